-- KEYS: meta, log, lease. ARGV: channel of entries, epoch, number of the first entry, bytes of the entries, end (0: none,
-- 1: the last entry, 2: the only entry), lease ms, upstream's id or '', upstream's sequence number or '', max events,
-- max bytes, max age ms, ms to keep it after its end, maximum bytes to publish; then the entries.
local FIXED = 13
local meta, log, lease = KEYS[1], KEYS[2], KEYS[3]
local epoch, first, bytes, ending = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
local m = redis.call('HMGET', meta, 'epoch', 'tail', 'ended', 'inherited', 'bytes', 'created', 'expires', 'stop')
if not m[1] then
    return {'none'}
end
if m[1] ~= epoch then
    return {'fenced'}
end
local tail, stop = tonumber(m[2]), m[8]
local count = #ARGV - FIXED
local last = first + count - 1
if first > tonumber(m[4]) and last <= tail then
    -- The reply was lost.
    return {'ok', int(tail), stop}
end
if m[3] then
    return {'closed'}
end
if first ~= tail + 1 then
    return {'gap', int(tail)}
end
bytes = tonumber(m[5]) + bytes
if ending ~= '2' then
    if now() - m[6] > tonumber(ARGV[11]) then
        return {'full', 'age'}
    elseif last > tonumber(ARGV[9]) then
        return {'full', 'events'}
    elseif bytes > tonumber(ARGV[10]) then
        return {'full', 'bytes'}
    end
end
local published, size = {}, 0
local most = tonumber(ARGV[13])
for i = 1, count do
    local entry = ARGV[FIXED + i]
    redis.call('XADD', log, '0-' .. int(tail + i), 'e', entry)
    size = size + #entry
    if size <= most then
        published[i] = #entry .. ':' .. entry
    end
end
if tail == 0 then
    redis.call('PEXPIREAT', log, m[7])
end
redis.call('HSET', meta, 'tail', int(last), 'bytes', int(bytes))
if ARGV[7] ~= '' then
    redis.call('HSET', meta, 'upstream_id', ARGV[7], 'upstream_seq', ARGV[8])
end
local ended = ending ~= '0'
if ended then
    redis.call('HSET', meta, 'ended', 1)
    redis.call('DEL', lease)
    redis.call('PEXPIRE', meta, ARGV[12])
    redis.call('PEXPIRE', log, ARGV[12])
else
    redis.call('SET', lease, epoch, 'PX', ARGV[6])
end
if size <= most then
    tell(ARGV[1], last, ended, stop, epoch, not ended, first, count, table.concat(published))
else
    tell(ARGV[1], last, ended, stop, epoch, not ended, 0, 0, '')
end
return {'ok', int(last), stop}
