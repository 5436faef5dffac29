-- KEYS: meta, lease. ARGV: epoch, lease ms.
local m = redis.call('HMGET', KEYS[1], 'epoch', 'ended', 'stop', 'attended')
if not m[1] then
    return {'none'}
elseif m[1] ~= ARGV[1] then
    return {'fenced'}
elseif m[2] then
    return {'closed'}
end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
return {'ok', m[3], now() < tonumber(m[4]) and 1 or 0}
