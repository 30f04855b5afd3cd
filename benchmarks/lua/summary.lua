-- What a run prints as its last line: what it measured, as JSON.
-- A script that counts answers by kind has them in the global `answers` of its threads.

local threads = {}

function setup(thread)
   table.insert(threads, thread)
   thread:set("thread_number", #threads)
end

local function answers_of_all()
   local sums = {}
   for _, thread in ipairs(threads) do
      for kind, number in pairs(thread:get("answers") or {}) do
         sums[kind] = (sums[kind] or 0) + number
      end
   end
   local members = {}
   for kind, number in pairs(sums) do
      table.insert(members, ('"%s": %d'):format(kind, number))
   end
   return table.concat(members, ", ")
end

function done(summary, latency)
   local errors = summary.errors
   io.write(("\n{\"requests\": %d, \"microseconds\": %d, \"bytes\": %d, "):format(
      summary.requests, summary.duration, summary.bytes))
   io.write(("\"p50_microseconds\": %d, \"p99_microseconds\": %d, "):format(
      latency:percentile(50), latency:percentile(99)))
   io.write(("\"statuses_over_399\": %d, \"broken\": %d, \"timeouts\": %d, "):format(
      errors.status, errors.connect + errors.read + errors.write, errors.timeout))
   io.write(("\"answers\": {%s}}\n"):format(answers_of_all()))
end
