-- Stands before each script. Keys of a generation: its meta hash, its log (a stream with the ids 0-<seq>), its lease.

local function now()
    local time = redis.call('TIME')
    return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- A number as Redis reads it: Lua would write a large one as 1e+15.
local function int(number)
    return string.format('%.0f', number)
end

-- Tells those who watch: tail, end, stop, epoch, lease, the number of the first entry, how many; then the entries.
local function tell(channel, tail, ended, stop, epoch, leased, first, count, entries)
    local head = table.concat({
        int(tail), ended and 1 or 0, stop and 1 or 0, epoch, leased and 1 or 0, int(first), count
    }, ' ')
    redis.call('PUBLISH', channel, head .. '\n' .. entries)
end

-- The most bytes that an entry or a request may have: what is larger was not written by this store, and is not answered
-- with, so that no key of somebody else's fills the memory of who reads it.
local LARGEST = 128 * 1024 * 1024

-- All that is known of a generation beside its entries.
local FIELDS = {
    'owner', 'api', 'request', 'epoch', 'tail', 'ended', 'stop', 'takeovers', 'created', 'upstream_id', 'upstream_seq'
}
local function describe(meta, lease)
    local size = 0
    for _, field in ipairs(FIELDS) do
        size = size + redis.call('HSTRLEN', meta, field)
    end
    if size > LARGEST then
        return {'unreadable'}
    end
    local found, values = {}, redis.call('HMGET', meta, unpack(FIELDS))
    for i, field in ipairs(FIELDS) do
        if values[i] then
            found[#found + 1] = field
            found[#found + 1] = values[i]
        end
    end
    return {'ok', int(now()), redis.call('EXISTS', lease), found}
end
