-- KEYS: meta, lease. ARGV: channel, epoch.
local m = redis.call('HMGET', KEYS[1], 'epoch', 'ended', 'tail', 'stop')
if not m[1] then
    return {'none'}
elseif m[1] ~= ARGV[2] then
    return {'fenced'}
elseif m[2] then
    return {'closed'}
end
redis.call('DEL', KEYS[2])
tell(ARGV[1], m[3], false, m[4], m[1], false, 0, 0, '')
return {'ok'}
