-- wrk: keys drawn at random from all consumers; every answer must be 200.
local count = tonumber(os.getenv("BENCH_CONSUMERS"))
local prepared, next_one, errors = {}, 0, 0

function init()
  math.randomseed(4711)
  for i = 1, 32768 do
    local headers = { apikey = "key-of-consumer-" .. math.random(0, count - 1) }
    prepared[i] = wrk.format("GET", "/ip", headers)
  end
end

function request()
  next_one = next_one % #prepared + 1
  return prepared[next_one]
end
