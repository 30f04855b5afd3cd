-- Reads what a file lists, at random, all of one tenant.
-- wrk … -s get.lua URL -- RUN TENANT FILE
-- FILE holds a path in every line.

dofile(debug.getinfo(1, "S").source:match("^@(.*/)") .. "summary.lua")

local requests = {}

function init(args)
   math.randomseed(tonumber(args[1]) * 1000 + thread_number)
   local get = "GET %s HTTP/1.1\r\nHost: %s\r\nX-Tenant-Id: %s\r\n\r\n"
   for path in io.lines(args[3]) do
      table.insert(requests, get:format(path, wrk.headers["Host"], args[2]))
   end
end

function request()
   return requests[math.random(#requests)]
end
