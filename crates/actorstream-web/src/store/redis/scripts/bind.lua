-- KEYS: a chat. ARGV: turn, whether to answer it again (1), id, ms to keep it, an id whose log is gone or ''.
local current = redis.call('HMGET', KEYS[1], 'turn', 'id', 'previous')
if current[2] == ARGV[3] then
    -- The reply was lost.
    return {'new', current[3]}
end
if current[1] == ARGV[1] and ARGV[2] ~= '1' and current[2] ~= ARGV[5] then
    return {'same', current[2]}
end
redis.call('HSET', KEYS[1], 'turn', ARGV[1], 'id', ARGV[3], 'previous', current[2] or '')
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return {'new', current[2]}
