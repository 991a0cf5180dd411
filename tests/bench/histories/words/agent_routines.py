"""What an agent meets again and again in its own work, as it notes it.

`line`: whole observations; `tail`: what may be added; `near`: one-offs that share words with it and are something else.
"""

from __future__ import annotations

from tests.bench.histories.tell import topics

ROUTINES = topics("""
weather 7
line: User opened the day by asking for the weather in {spot} / Looked up the weather in {spot} for the user /
    Weather forecast for {spot} requested, delivered / Gave the user the forecast for {spot} / First question of the
    session: weather in {spot} / Called the weather tool for {spot}
tail: rain expected / {nn} percent humidity / user said thanks / sunny
near: User asked whether {spot} has an airport / The tool for unit conversion was renamed / Forecast of the election
    in a novel, discussed

enospc 15
line: Build failed with ENOSPC, cleared the cache and it passed / ENOSPC during the build, emptying the build cache
    helped / No space left while building, cleaned the cache / The build ran out of disk, fixed by clearing its
    cache / Disk full in the build, deleted the cache and retried / Cleared the build cache after an ENOSPC failure
tail: {nn} GB freed / second try green / user was told / same directory
near: User wants to build a shed, {n} metres wide / Cached tiles of a map of {city} were sold as art, says an
    article / A disk jockey from {city} needs a biography

testflake 16
line: test_upload_retry failed once and passed on the second run / Rerun of test_upload_retry was green /
    test_upload_retry is flaky, had to repeat it / Had to run test_upload_retry twice / Intermittent failure in
    test_upload_retry / test_upload_retry failed, then passed without a change
tail: socket timeout / {n} seconds / noted in the report / not related to the diff
near: User had a driving test and failed / Uploaded a photo of a {animal} to the album / Retried a riddle until the
    user laughed

inbox 8
line: Triaged the user's inbox / Sorted the new mails for the user / Inbox triage done, {nn} mails / Went through
    unread mail and labelled it / Cleaned up the mailbox as asked / Processed the inbox: {n} need an answer
tail: {n} newsletters archived / one urgent / spam removed / drafted {n} replies
near: A mail carrier in a story was named {person} / User asked what a triage nurse does / Box of {food} arrived at
    the user's door

linkcheck 3
line: Nightly link check of the docs: {n} broken / Ran the link checker over the documentation / Documentation link
    check finished, {n} dead links / Link checker run on the docs completed / Checked all links in the docs
    overnight / Docs links verified by the nightly job
tail: all on one page / report saved / fixed two / external sites
near: User asked for the link between {subject} and {subject} / A night train to {city} was sold out / A doctor's
    letter needed a translation

standup-notes 9
line: Prepared the user's stand-up notes from yesterday's commits / Stand-up notes drafted / Wrote the notes for the
    user's daily meeting / Collected yesterday's commits into stand-up notes / Summary for the daily stand-up handed
    over / User got the bullet list for the stand-up
tail: {n} items / user removed one / nothing blocked / copied to the clipboard
near: User stood up for {person} in an argument / Note on the fridge about {food}, photographed / Yesterday's
    crossword had an error at {n} across

ratelimit 14
line: GitHub API answered 403, rate limit reached / Hit the rate limit of the GitHub API / GitHub rate limit
    exceeded, waited / Rate-limited by GitHub while listing issues / Had to pause: GitHub API quota used up / GitHub
    refused more requests, limit exhausted
tail: {nn} minutes / used the cache meanwhile / token is shared / resumed later
near: User asked about the speed limit near {city} / Interest rate of the loan dropped by a bit / Quota for fishing
    in {month}, looked up

expense 18
line: Entered the user's receipts in the expense sheet / Receipts booked in the expense sheet / Added {n} receipts
    to the expenses / Expense sheet updated with new receipts / Typed the receipts into the spreadsheet of expenses
    / Logged receipts for the user's expenses
tail: {nn} euros / one unreadable / category travel / sum checked
near: User found an expensive {object} at an auction / Received a sheet of stamps as a gift, says the user / Book on
    {subject} is out of print

glossary 11
line: Added terms to the translation glossary / Translation glossary extended by {n} terms / New terms went into the
    glossary for translations / Updated the glossary of the translation project / Put {n} more words in the
    translators' glossary / Glossary entries for the translation written
tail: user confirmed / German and French / one was disputed / from chapter {nn}
near: Glossy paper for the {city} photos was recommended / User asked for a term of endearment in Welsh / A
    translator from {city} wrote a thank-you note

workout 6
line: Logged the user's rowing workout / Rowing session entered in the training log / User reported a rowing
    workout, saved it / Noted {nn} minutes on the rowing machine / Training log: rowing added / User rowed again,
    recorded it
tail: {nn}00 metres / heart rate fine / new best / user was tired
near: User argued in a row with {person} / Machine in a novel, described as {colour} / A train ran late, claim form
    filled

pr-review 16
line: Reviewed an open pull request of the mobile app / Code review for the mobile app written / Gave comments on a
    mobile app pull request / Checked a pull request in the mobile app repository / Mobile app PR reviewed / Left a
    review on the mobile app's pull request
tail: {n} remarks / approved / asked for tests / naming only
near: User lost the mobile phone in {city} / A film review of "{title}" was requested / App for identifying a
    {animal} was recommended

citations 13
line: Formatted references for the user's thesis / Thesis bibliography: fixed citations / Put the thesis references
    in order / Corrected citations in the thesis / Worked on the bibliography of the thesis / Cleaned up references
    in the user's thesis
tail: {nn} entries / two DOIs missing / BibTeX / user found one more
near: A parking citation from {city} was contested / User asked for a reference letter for {person} / A library in
    {city} was flooded

homework 17
line: Helped the user's daughter with her physics homework / Physics homework with the user's daughter / Explained a
    physics exercise to the daughter / The daughter asked about her physics exercises / Worked through physics
    problems with the user's daughter / Daughter's physics homework solved together
tail: about levers / about pulleys / she got it / {n} exercises
near: User works from home on {weekday}, asked about taxes / Exercises for the neck were described / Daughter of a
    {job} in a fairy tale, invented

stockcheck 17
line: Reported the portfolio's closing value / User's portfolio: closing values fetched / Looked up closing prices
    of the user's shares / Closing prices for the portfolio delivered / Portfolio summary after market close /
    Fetched the share prices at close for the user
tail: up a little / down {n} percent / one split / user indifferent
near: Soup stock from {food}, explained how / User wants to share a flat in {city} / The closing ceremony was
    summarised

recipes 17
line: Suggested a dinner from what is in the fridge / User listed the fridge contents, proposed a dinner / Dinner
    idea from leftovers in the fridge / Made a dinner plan out of the fridge's contents / Recommended what to cook
    with the fridge leftovers / Fridge check with the user, dinner chosen
tail: {food} / vegetarian / took {nn} minutes / user was happy
near: The fridge magnet from {city} is missing / Dinner jacket rules were explained / Content of a letter from
    {person} was summarised

meeting-minutes 15
line: Transcribed the weekly project call / Wrote minutes of the project call / Project call summarised with action
    items / Minutes for the project call sent to the user / Turned the project call's recording into minutes /
    Action items of the project call extracted
tail: {nn} minutes of audio / {n} speakers / one owner missing / audio was bad
near: Call of a {animal} identified from a recording / User projected a film on the garage / Minute steaks, how long
    to fry, answered

backupcheck 22
line: Verified the user's photo backup / Photo backup checked, complete / Checksums of the photo backup compared /
    Photo backup verification ran / Looked whether the photo backup is intact / Checked that all photos are in the
    backup
tail: {nn} GB / {n} new folders / all fine / one file repaired
near: User's back hurts, gave advice on chairs / A photo contest in {city} was announced / Checked shirts are out of
    fashion, according to an article

vpn 10
line: SSH to the lab machine failed until the VPN was reconnected / Lab machine unreachable, VPN had dropped /
    Reconnected the VPN to reach the lab machine / VPN was down, no SSH to the lab / Could not reach the lab machine
    without reconnecting VPN / Lab SSH timed out, VPN reconnect solved it
tail: {n} minutes lost / user did it / same as before / certificate is fine
near: A Labrador named {person} needs a sitter / User asked about the machine that broke the Enigma / Down jackets
    were compared for {city}

vocab 20
line: Quizzed the user on Italian vocabulary / Italian vocabulary drill with the user / Practised Italian words with
    the user / User did the Italian flash cards with me / Asked {nn} Italian words, user knew most / Italian
    vocabulary quiz held
tail: {nn} percent right / verbs are weak / about kitchen words / user laughed a lot
near: User wants an Italian restaurant in {city} / Word count of the {month} report was requested / A flash flood
    near {city} made the news

invoice 12
line: Created an invoice for the client Osterby / Invoice to Osterby written / Billed Osterby for the month's hours
    / Osterby's invoice prepared and sent / Made the invoice for Osterby from the time sheet / Sent Osterby its bill
tail: {nn} hours / VAT added / user approved / number {nn}
near: A duck's bill was explained to a child / Time sheet of a {job} in a museum, transcribed / Client of {person}
    moved to {city}

compile 14
line: mypy complained about missing stubs for yaml / Missing yaml stubs made mypy fail / Type check failed: no stubs
    for yaml / mypy error again because of yaml stubs / Installed yaml stubs so that mypy passes / yaml stubs were
    missing in the type check
tail: added types-PyYAML / fresh environment / CI has them / told the user
near: Ticket stubs from {city} were scanned / User is not the type for skydiving / Checked in luggage got lost in
    {city}

medication 21
line: Reminded the user of the blood pressure tablet / User was reminded to take the blood pressure tablet /
    Reminder for the blood pressure tablet given / Sent the tablet reminder, user confirmed / Tablet reminder for
    the blood pressure done / Told the user that it is time for the blood pressure tablet
tail: taken / user had forgotten / snoozed once / confirmed
near: Drawing tablets were compared for {person} / User donated blood in {city} / A pressure cooker for {food} was
    recommended

release 13
line: Wrote the changelog for a release of the CLI / Changelog of the CLI release drafted / Release notes for the
    CLI written / Prepared release notes of the command line tool / CLI release: changelog completed / Collected
    changes into the CLI's release notes
tail: {nn} commits / one breaking change / user edited / tagged afterwards
near: User released a {animal} from a trap / Command of a general in "{title}" was discussed / The client of a {job}
    left a bad review

garden-sensor 19
line: Soil sensor of the tomatoes reported dry, told the user to water / Tomato bed too dry by the sensor, user
    notified / Sensor says the tomatoes need water / Notified the user: tomato soil is dry / Dry reading from the
    tomato sensor passed on / User told to water tomatoes after the sensor's reading
tail: {nn} percent / user did it / rain is coming / battery low
near: Tomato soup recipe was scaled for {nn} people / Sensor of the car's door is broken, read the manual / A dry
    joke about a {job} was explained

calendar 18
line: Moved the user's gym slot because of an overrunning meeting / Gym slot shifted, the meeting ran over /
    Rescheduled gym after a meeting took too long / Meeting ran long, gym moved back / User's gym appointment pushed
    back due to the meeting / Calendar: gym later, as the meeting overran
tail: half an hour / user annoyed / no clash / told {person}
near: Slot machines in {city} were discussed / User asked who runs the gymnastics federation / Long jump record was
    looked up

scrape 6
line: Scraped job ads for data engineers / Job ads for data engineers collected / Collected new data engineer
    openings / Search for data engineer jobs run / Listed fresh data engineer vacancies / Fetched vacancies for data
    engineers
tail: {nn} new / {n} remote / user starred one / duplicates removed
near: User scraped a knee near {city} / An ad for a {object} was translated / Engineer in the film "{title}", actor
    named

pdf 11
line: OCR of scanned contracts, had to rotate pages first / Scanned contracts were sideways, rotated then OCR /
    Rotated pages of scanned contracts before OCR / Contract scans needed rotation for the OCR / OCR failed on the
    contracts until pages were rotated / Pages of the contracts turned upright, OCR worked
tail: {nn} pages / language set to Dutch / user checked / one illegible
near: Crop rotation in {subject} was explained / User contracted a cold in {city} / A page boy in "{title}" was
    identified

lights 22
line: Switched off the living room lights on request / User asked to turn off the lights in the living room / Living
    room lights off / Turned the living room lights off for the night / Lights in the living room switched off /
    Lights out in the living room, as the user asked
tail: one lamp offline / confirmed / late today / hallway stays on
near: Northern lights over {city}, forecast was good / User is looking for a room in {city} / Living costs in {city}
    were compared

playlist 9
line: Started the focus playlist / User asked for the focus playlist / Focus playlist is playing / Put on the
    playlist for focus / Played the user's focus playlist / The focus playlist was started on request
tail: volume {nn} / skipped one song / for {n} hours / on headphones
near: Focus of a camera lens explained / User saw a play by {person} in {city} / A list of kings was memorised

git-conflict 17
line: Resolved a merge conflict in poetry.lock by regenerating it / poetry.lock conflicted, regenerated the lock
    file / Conflict in poetry.lock on merge, lock file rebuilt / Merge stopped at poetry.lock, regenerated / Lock
    file conflict: poetry.lock created anew / Had to regenerate poetry.lock to finish the merge
tail: no version changed / {n} packages moved / tests fine / on the feature branch
near: A poem on {subject} was analysed / Locked out: user needs a locksmith in {city} / Conflict between {person}
    and a {job}, advised to talk
""")
