-- KEYS: the running generations, by the time of their next check. ARGV: id, ms until the check, the maximum number.
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then
    if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[3]) then
        return {'full', 'generations'}
    end
    redis.call('ZADD', KEYS[1], int(now() + ARGV[2]), ARGV[1])
end
return {'ok'}
