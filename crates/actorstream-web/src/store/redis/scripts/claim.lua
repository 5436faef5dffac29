-- KEYS: meta, lease. ARGV: channel, lease ms, a token of this claim, which identifies a repetition.
local meta, lease = KEYS[1], KEYS[2]
local m = redis.call('HMGET', meta, 'epoch', 'ended', 'tail', 'stop', 'claim')
if not m[1] then
    return {'none'}
elseif m[2] then
    return {'ended'}
end
if redis.call('EXISTS', lease) == 1 then
    if m[5] == ARGV[3] then
        return describe(meta, lease)
    end
    return {'held'}
end
local epoch = int(m[1] + 1)
redis.call('HSET', meta, 'epoch', epoch, 'inherited', m[3], 'claim', ARGV[3])
redis.call('HINCRBY', meta, 'takeovers', 1)
redis.call('SET', lease, epoch, 'PX', ARGV[2])
tell(ARGV[1], m[3], false, m[4], epoch, true, 0, 0, '')
return describe(meta, lease)
