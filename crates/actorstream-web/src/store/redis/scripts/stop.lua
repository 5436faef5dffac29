-- KEYS: meta, lease. ARGV: channel, reason.
local m = redis.call('HMGET', KEYS[1], 'epoch', 'ended', 'tail', 'stop')
if not m[1] then
    return {'none'}
end
if not m[2] and not m[4] then
    redis.call('HSET', KEYS[1], 'stop', ARGV[2])
    tell(ARGV[1], m[3], false, true, m[1], redis.call('EXISTS', KEYS[2]) == 1, 0, 0, '')
end
return {'ok'}
