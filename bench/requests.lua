-- wrk's side of the benchmark: sends the requests that bench/signed.py has signed, in turn, and
-- prints what happened as one line of JSON.

local file = assert(io.open(assert(os.getenv("BENCH_REQUESTS"), "BENCH_REQUESTS is not set"), "rb"))
local requests = {}
for request in file:read("*a"):gmatch("[^%z]+") do
   requests[#requests + 1] = request
end
file:close()

local next_one = 0

function request()
   next_one = next_one % #requests + 1
   return requests[next_one]
end

function done(summary, latency)
   local errors = summary.errors
   io.write(string.format(
      'RESULT {"requests":%d,"microseconds":%d,"refused":%d,"broken":%d,"p50":%d,"p99":%d}\n',
      summary.requests, summary.duration, errors.status,
      errors.connect + errors.read + errors.write + errors.timeout,
      latency:percentile(50), latency:percentile(99)))
end
