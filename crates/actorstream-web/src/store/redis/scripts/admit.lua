-- KEYS: the generations that run, by when to look at them. ARGV: id, ms until then, how many there may be.
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then
    if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[3]) then
        return {'full', 'generations'}
    end
    redis.call('ZADD', KEYS[1], int(now() + ARGV[2]), ARGV[1])
end
return {'ok'}
