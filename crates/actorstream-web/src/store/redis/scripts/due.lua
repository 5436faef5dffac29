-- KEYS: the generations that run, by when to look at them. ARGV: how many to pass over, how many at most.
return {'ok', int(now()), redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', int(now()), 'LIMIT', ARGV[1], ARGV[2])}
