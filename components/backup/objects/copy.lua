-- Moves the keys of a slot, with their values and times to live, from this Redis to another one.
-- Arguments: host and port of the other Redis, the slot, the password of the user `backup` there.
local host, port, slot, auth = unpack(ARGV)
local batch = 1000
local keys = redis.call('CLUSTER', 'GETKEYSINSLOT', slot, redis.call('CLUSTER', 'COUNTKEYSINSLOT', slot))
for first = 1, #keys, batch do
  redis.call('MIGRATE', host, port, '', 0, 5000, 'REPLACE', 'AUTH2', 'backup', auth,
    'KEYS', unpack(keys, first, math.min(first + batch - 1, #keys)))
end
