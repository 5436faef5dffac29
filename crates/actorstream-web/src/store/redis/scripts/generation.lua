-- KEYS: meta, lease.
if redis.call('EXISTS', KEYS[1]) == 0 then
    return {'none'}
end
return describe(KEYS[1], KEYS[2])
