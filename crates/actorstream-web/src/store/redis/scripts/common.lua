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

-- All that is known of a generation beside its entries.
local function describe(meta, lease)
    return {'ok', int(now()), redis.call('EXISTS', lease), redis.call('HGETALL', meta)}
end
