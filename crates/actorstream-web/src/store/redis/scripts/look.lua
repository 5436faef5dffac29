-- KEYS: meta, lease. Returns the state for watches and for the sweep.
local m = redis.call('HMGET', KEYS[1], 'tail', 'ended', 'stop', 'epoch')
if not m[1] then
    return {'none'}
end
return {'ok', m[1], m[2] and 1 or 0, m[3] and 1 or 0, m[4], math.max(0, redis.call('PTTL', KEYS[2]))}
