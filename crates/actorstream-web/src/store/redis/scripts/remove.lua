-- KEYS: meta, log, lease. ARGV: channel.
if redis.call('DEL', KEYS[1], KEYS[2], KEYS[3]) > 0 then
    redis.call('PUBLISH', ARGV[1], 'gone')
end
return {'ok'}
