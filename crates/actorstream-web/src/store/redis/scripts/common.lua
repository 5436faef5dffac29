-- Precedes each script. Keys of a generation: its meta hash, its log (a stream with the ids 0-<seq>), its lease.

local function now()
    local time = redis.call('TIME')
    return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Formats a number for Redis: Lua would write a large one as 1e+15.
local function int(number)
    return string.format('%.0f', number)
end

-- Notifies the watchers: tail, end, stop, epoch, lease, the number of the first entry, the count, and the entries.
local function tell(channel, tail, ended, stop, epoch, leased, first, count, entries)
    local head = table.concat({
        int(tail), ended and 1 or 0, stop and 1 or 0, epoch, leased and 1 or 0, int(first), count
    }, ' ')
    redis.call('PUBLISH', channel, head .. '\n' .. entries)
end

-- The maximum size of an entry or a request in bytes. A larger one was not written by this store, and is not returned,
-- so that a foreign key does not fill the reader's memory.
local LARGEST = 128 * 1024 * 1024

-- Returns the state of a generation without its entries.
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
