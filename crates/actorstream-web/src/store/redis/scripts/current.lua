-- KEYS: a chat.
local id = redis.call('HGET', KEYS[1], 'id')
if id and #id > 64 then
    return {'unreadable'}
end
return {'ok', id}
