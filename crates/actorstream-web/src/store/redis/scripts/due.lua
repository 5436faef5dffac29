-- KEYS: the running generations, by the time of their next check. ARGV: how many to skip, how many at most.
return {'ok', int(now()), redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', int(now()), 'LIMIT', ARGV[1], ARGV[2])}
