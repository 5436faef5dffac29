-- KEYS: an owner's hash with the last report of each process, as "generations viewers bytes until-ms". ARGV: the process,
-- generations, viewers, bytes, validity in ms.
local key, process = KEYS[1], ARGV[1]
local at = now()
if ARGV[2] == '0' and ARGV[3] == '0' and ARGV[4] == '0' then
    redis.call('HDEL', key, process)
else
    redis.call('HSET', key, process, table.concat({ARGV[2], ARGV[3], ARGV[4], int(at + ARGV[5])}, ' '))
    if redis.call('PTTL', key) < tonumber(ARGV[5]) then
        redis.call('PEXPIRE', key, ARGV[5])
    end
end
local generations, viewers, bytes = 0, 0, 0
local said = redis.call('HGETALL', key)
for i = 1, #said, 2 do
    local g, v, b, until_ms = string.match(said[i + 1], '^(%d+) (%d+) (%d+) (%d+)$')
    if not g or tonumber(until_ms) <= at then
        redis.call('HDEL', key, said[i])
    elseif said[i] ~= process then
        generations, viewers, bytes = generations + g, viewers + v, bytes + b
    end
end
return {'ok', int(generations), int(viewers), int(bytes)}
