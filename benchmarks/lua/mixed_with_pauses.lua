-- The mixed load of mixed.lua, with a pause before each request of a connection.
-- wrk … -s mixed_with_pauses.lua URL -- RUN FILE MILLISECONDS
-- The pauses are drawn at random, MILLISECONDS on average.

dofile(debug.getinfo(1, "S").source:match("^@(.*/)") .. "mixed.lua")

local begin, mean = init

function init(args)
   begin(args)
   mean = tonumber(args[3])
end

function delay()
   return math.floor(-mean * math.log(1 - math.random()) + 0.5)
end
