-- KEYS: meta, log. ARGV: the number after which to read, the approximate maximum of bytes.
local log = KEYS[2]
local m = redis.call('HMGET', KEYS[1], 'tail', 'ended', 'bytes')
if not m[1] then
    return {'none'}
end
local tail, after, left = tonumber(m[1]), tonumber(ARGV[1]), tonumber(ARGV[2])
local page = {'ok', int(tail), m[2] and 1 or 0}
local mean = math.max(1, m[3] / math.max(1, tail))
while after < tail do
    local count = math.min(500, math.max(1, math.floor(left / mean)))
    local entries = redis.call('XRANGE', log, '0-' .. int(after + 1), '+', 'COUNT', count)
    if #entries == 0 or entries[1][1] ~= '0-' .. int(after + 1) then
        return {'lost'}
    end
    for _, entry in ipairs(entries) do
        local event = entry[2][2]
        local size = #event + 32
        if size > LARGEST then
            return {'unreadable'}
        end
        if size > left and #page > 3 then
            return page
        end
        left = left - size
        page[#page + 1] = event
        after = after + 1
    end
end
return page
