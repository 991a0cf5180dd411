"""What an agent notes once about its own work."""

from __future__ import annotations

from tests.bench.histories.tell import lines

ERRANDS = lines("""
Summarised a PDF about {subject} for the user, {nn} pages
`grep -rn {symbol}` found {nn} hits, most in vendored code
Converted a table of {food} prices from CSV to Markdown
User asked for the capital of a country near {city}, answered from memory
Fetched a page about {subject}: 404
Wrote a regular expression that matches number plates from {city}
Explained {concept} to the user with a picture of a {animal}
Read {path}, {nn}0 lines, nothing suspicious
Drafted a complaint letter about a broken {object}
User thanked me for the limerick about a {animal}
Tool call `read_file {path}` failed: no such file
Renamed {symbol} to {symbol}2 in {n} files on request
Found the cause of a crash in {path}: a {concept} was misused
User wanted a packing list for {city} in {month}
Computed the compound interest for a loan of {nn}00 euros
Compared {n} laptops for the user's {relative}
Translated an e-mail from a {job} in {city}
Search for "{subject}" returned {nn} results, read the first {n}
Created a chart of rainfall in {city}
User pasted a stack trace from {path}, it was a {concept} problem
Refused to guess a password, user agreed
Patched {path}: off-by-one in {symbol}
Wrote {n} docstrings in {path}
`git bisect` pointed to a commit named "{colour} {animal}"
User asked who wrote "{title}", I didn't know
Estimated the calories of {food}
Solved a chess puzzle for the user, mate in {n}
Unzipped an archive with {nn} photos of a {object}
Explained a joke about a {job} and a {animal}
Profiled {symbol}: {nn} ms of it is {concept}
Calendar tool refused an invitation for {weekday}, clash with the {job}
User changed the topic to {subject} in the middle of a refactoring
Generated {n} names for a {animal}
Looked up visa rules for a trip to {city}
Removed a dead function {symbol} from {path}
The web page of the museum in {city} needed JavaScript, gave up
User's scanner produced {nn} empty pages, told them why
Wrote a haiku for {person}'s farewell
Checked a contract with a {job} for odd clauses, found {n}
Ported {path} from Perl to Go
Asked what "{symbol}" means, user said it is legacy
Merged two address lists, {nn} duplicates
User wanted a mnemonic for the order of planets
Downloaded a map of {city} for the {weekday} walk
The answer about {subject} was wrong, apologised and gave the source
Ordered lines of {path} alphabetically
Made a quiz with {nn} questions on {subject}
`docker build` stopped at step {n}: disk full
Suggested {food} for {person}'s birthday
Described a photo: a {colour} {object} next to a {animal}
User asked to undo the last edit in {path}
Calculated the distance between {city} and {city}
Wrote a cover letter for a job as a {job}
Rewrote {symbol} without recursion
Timed out waiting for a page about {subject}
The attachment from {person} was a {object} catalogue
User dictated a shopping list: {food}, {food} and a {object}
Explained why {concept} is hard
Split {path} into {n} modules
Found a typo in the invitation for {person}
User asked whether a {animal} can swim
Counted words in the thesis on {subject}: {nn} thousand
Converted {nn} inches for a {object}
`curl` to the weather service of {city} returned 503
Wrote SQL that finds customers in {city} without orders
User shared a dream about a {animal}, listened
Read an invoice of a {job}: {nn}0 euros, due in {month}
Spotted {concept} in {path} and left a comment
Proofread a eulogy for {person}'s {relative}
Turned a voice memo on {subject} into minutes
User deleted the folder of the {colour} project by themselves
Invented a riddle about a {object}
Looked for flights to {city}, cheapest {nn} euros
Replaced tabs in one Makefile near {path} that did not build
Explained the plot of "{title}"
Answered a question on inheritance law, with a warning
User asked for a picture of a {animal}, no tool for that
Wrote a macro that colours cells {colour}
Parsed a log of {nn} MB, {n} kinds of errors
Told the user about an open port on the {object} controller
Checked the spelling of "{city}" in {n} languages
Built a small parser for {subject} data
User tested me with a trick question about {concept}
Filled a form for the town hall of {city}
Suggested a title for the talk on {subject}
`ls` in the {colour} folder: {nn} files, no README
Rounded all numbers in a table for {person}
User said the answer on {subject} was too long, shortened that one
Found two photos of the same {object}, user kept both
Recommended a book on {subject}
Listed holidays in {city} in {month}
Wrote a test for {symbol}, it revealed a {concept} bug
Described how a {job} works to a child of {n}
User forwarded spam about a {object}, explained the scam
Analysed a poem by {person}
Cut a video transcript at minute {nn}
Explained an error of the tax program
`make` in {path}: missing separator
Sorted {nn} bookmarks about {subject}
User asked to compare {city} with {city} for a holiday
Wrote alt texts for {n} pictures of a {animal}
Found the serial number of a {object} in a photo
Deciphered a handwritten recipe for {food}
User asked for the meaning of the name {person}
Translated {path} comments from Czech
Read a manual of a {object}, page {nn} has the reset
Generated test data: {nn} fictional {job}s
Explained {concept} in one sentence at the third try
Looked up the opening hours of a {job} in {city}
User closed the session in the middle of a sentence
Planned a route from {city} with {n} stops
Checked a proof about {concept}, step {n} is wrong
Wrote a bedtime story with a {animal} and a {job}
Tuned a query on the table of {object}s, {nn} times faster
Asked for permission to delete {path}, denied
Made a crossword about {subject}
User asked how to clean a {object}
Deduplicated {nn} contacts of {person}
Answered in rhyme, on request
Explained a weather front over {city}
Linked {n} notes on {subject} with each other
The camera of the user shows a {colour} wall only
Recovered an unsaved draft about {subject}
Diagnosed a {concept} problem from a screenshot
Wrote a toast for {person} and {person}
Computed the volume of a {object}
User joked that I am a {animal}
Reminded that {person} arrives from {city} on {weekday}
Extracted tables from a report on {subject}
Reviewed a diff in {path}, {n} remarks
`npm audit` in an old demo listed {nn} problems, demo was deleted
Composed a quiz night on {subject} for {person}
User asked to speak like a {job} for one answer
Found a rhyme for "{object}"
Traced {symbol} through {n} layers of callbacks
Named the {animal} in a sound recording
Turned off a runaway loop in {path}
Listed side effects of a medicine, advised to ask a {job}
Summed up a thread of {nn} mails about {food}
Simulated a job interview for a {job}
User wanted odds for a lottery in {city}
Cleaned a data set of {animal} sightings
Read the minutes of the allotment club, {n} decisions
""")

SYMBOLS = """apply_rules|build_tree|clamp_range|decode_frame|emit_row|fetch_page|group_by_day|hash_block|
init_grid|join_paths|load_fonts|mark_done|next_token|open_stream|pad_left|quote_name|read_header|scan_dir|
trim_tail|unpack_bits|walk_nodes|zip_lists""".replace("\n", "").split("|")
PATHS = """src/engine/grid.py|lib/io/reader.rb|cmd/serve/main.go|web/app/cart.tsx|tools/gen/tables.pl|
core/math/matrix.rs|api/routes/users.js|docs/build/conf.py|game/world/map.lua|firmware/timer.c|
jobs/mail/send.php|notes/2019/travel.md|data/raw/sensors.csv|ui/forms/login.vue|infra/dns/zones.tf|
tests/old/fixtures.yml""".replace("\n", "").split("|")
CONCEPTS = """backpressure|a closure|currying|a deadlock|dependency injection|an encoding|
floating point rounding|garbage collection|a hash collision|idempotence|a leap second|memoisation|
a null pointer|operator precedence|pagination|a race condition|shadowed variables|a stale cache|tail recursion|
time zones|a trailing newline|type erasure|Unicode normalisation""".replace("\n", "").split("|")

ERRAND_WORDS: dict[str, tuple[str, ...]] = {
    "symbol": tuple(SYMBOLS),
    "path": tuple(PATHS),
    "concept": tuple(CONCEPTS),
}
