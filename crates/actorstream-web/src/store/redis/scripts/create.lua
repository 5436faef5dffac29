-- KEYS: meta, log, lease. ARGV: owner, api, request, lease ms, attended ms, ms to keep it.
local meta, lease = KEYS[1], KEYS[3]
local owner, api, request = ARGV[1], ARGV[2], ARGV[3]
local held = redis.call('HMGET', meta, 'tail', 'epoch', 'owner', 'request')
if held[1] then
    local same = held[1] == '0' and held[2] == '1' and held[3] == owner and held[4] == request
    return {same and 'ok' or 'exists'}
end
local at = now()
local expires = int(at + ARGV[6])
redis.call('HSET', meta,
    'owner', owner, 'api', api, 'request', request, 'created', int(at), 'expires', expires,
    'attended', int(at + ARGV[5]), 'epoch', 1, 'inherited', 0, 'takeovers', 0, 'tail', 0, 'bytes', 0)
redis.call('PEXPIREAT', meta, expires)
redis.call('SET', lease, 1, 'PX', ARGV[4])
return {'ok'}
