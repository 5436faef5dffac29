-- KEYS: meta. ARGV: ms.
local attended = redis.call('HGET', KEYS[1], 'attended')
if not attended then
    return {'none'}
end
local to = now() + ARGV[1]
if to > tonumber(attended) then
    redis.call('HSET', KEYS[1], 'attended', int(to))
end
return {'ok'}
