"""What a team does or suffers again and again, as its log has it.

`line`: whole entries; `tail`: what may be added; `near`: one-offs that share words with it and are something else.
{svc}, {who} and {place} stay the same throughout a history.
"""

from __future__ import annotations

from tests.bench.histories.tell import topics

ROUTINES = topics("""
deploy 10
line: Deployed {svc} to production / {svc} rolled out to prod / Released {svc}, rollout complete / prod deploy of
    {svc} finished / Shipped the [new|latest] build of {svc} to production / {svc}: production rollout done
tail: no errors / {nn} pods replaced / took {n} minutes / {who} watched the dashboards / changelog posted
near: Reviewed a candidate's homework, it resembles {svc} / The team of {svc} gets a new product owner / Somebody
    drew the logo of {svc} as a {animal}

deploy-eu 15
line: Pushed {svc2} to the EU cluster / EU release of {svc2} went out / {svc2} updated on the European cluster /
    Rolled {svc2} out across EU nodes / Finished upgrading {svc2} in Europe / European rollout of {svc2}: complete
tail: canary looked fine / {n} nodes lagged / smoke tests passed / done before lunch
near: EU funding application for research on {subject} / {svc2} has no mascot, vote postponed / A trade fair in
    Europe asked for a speaker

standup 9
line: Stand-up: everybody gave their status / Daily stand-up held, {n} blockers / Morning stand-up done / Team met
    for the daily / Daily: status round, then parked the details / Held the stand-up in {nn} minutes
tail: {person} was remote / {person} was late / discussion on {feature} moved offline / short one
near: {person} performed at a stand-up comedy night / Ordered standing desks / The daily newspaper wrote about our
    {city} office

oncall 9
line: On-call handed over to {person} / Pager passed on to {person} / On-call handover: {person} takes the pager /
    {person} is on call from now, handover done / Handover of the on-call shift to {person} / {person} took over
    on-call
tail: quiet week behind us / {n} pages last week / runbook gaps noted / open alert on {host}
near: {person} found an old pager in a drawer / A call centre tender from {city} arrived / Handed the office keys to
    the {job}

flaky 14
line: test_checkout_timeout failed [again|] in CI, green on retry / CI red because of test_checkout_timeout, rerun
    passed / Flaky test_checkout_timeout blocked the merge queue / test_checkout_timeout timed out on the runner /
    Retried the pipeline: test_checkout_timeout is flaky / Another random failure of test_checkout_timeout
tail: third runner / {person} cursed / cost {nn} minutes / no change in that code
near: {person} wrote a first unit test for {module} / The checkout at the supermarket ate {person}'s card / Timeout
    in the basketball match of the company team

backup 3
line: Nightly backup of the orders database completed / Orders DB backup finished overnight / Backup job for orders
    succeeded / Orders database dumped and uploaded / Overnight dump of the orders DB is in the vault / Backup of
    orders: ok
tail: {nn} GB / checksum verified / {nn} minutes / slower than usual
near: {person} backed the van into the gate / Ordered a backup projector for the {city} trip / A customer ordered
    {nn} times by mistake

restore 11
line: Restore drill: brought the ledger back from a snapshot / Practised restoring the ledger database / Ledger
    restore rehearsal done / Restored the ledger from backup as an exercise / Disaster drill on the ledger: restore
    worked / Ran the restore exercise for the ledger
tail: {nn} minutes to recovery / one step in the runbook was wrong / {who} led it / better than last time
near: {person} restores old furniture / The electric drill of the facility team was stolen / A ledger from 19{nn} is
    shown in the lobby

cert 12
line: Renewed the TLS certificate of {host2} / {host2}: certificate renewed / New certificate installed on {host2} /
    TLS cert on {host2} rotated / Certificate renewal for {host2} done / Swapped the expiring cert of {host2}
tail: valid {nn} days / chain checked / automation failed, by hand / {who} double-checked
near: {person} got a first-aid certificate / Gift certificate for {mentor}'s farewell / {host2} got a sticker of a
    {animal}

deps 13
line: Bumped dependencies of the web client / Dependency updates for the web client merged / Web client: upgraded
    its packages / Merged the dependency bot's updates for the web client / Upgraded {nn} npm packages in the web
    client / Package updates on the web client are in
tail: lockfile regenerated / one major version skipped / visual tests fine / {person} reviewed
near: A web of cables under {mentor}'s desk / The client from {city} sent a package of {food} / Bot traffic from
    {city}, blocked

cost 16
line: Went through the cloud bill / Cloud costs reviewed / Checked the cloud spending / Cloud cost review held /
    Looked at last week's cloud expenses / Reviewed the invoice of the cloud provider
tail: {nn} percent up / storage is the driver / {n} idle machines found / within budget
near: A cloud of dust from the building site set off the detector / {person} reviewed a book about {subject} /
    Expense report of the {city} trip was lost

retro 15
line: Retrospective held / Sprint retro done, {n} action items / Team retrospective: collected what went well / Held
    the retro in the big room / Retro: sad, mad, glad round / Looked back on the sprint in the retro
tail: {person} moderated / mood is good / action on code review / ran over time
near: Retro games console for the lounge, paid by {person} / {person} sprinted for the train and fell / Mad
    scientist costume at the company party

planning 10
line: Sprint planning: committed to {nn} points / Planned the next sprint / Planning meeting for the sprint finished
    / Sprint plan agreed, {nn} points / Held the planning, backlog looks thin / Filled the next sprint in planning
tail: {person} on holiday / {feature} is the goal / two spikes / {person} sceptical
near: The city plans a tram line past the office / Floor plan of the {city} office is wrong / {person}'s wedding
    planning eats the lunch breaks

queue 17
line: Queue of the mail worker backed up / Mail worker lagging, queue at {nn} thousand / Backlog in the mail
    worker's queue / Mails delayed, worker queue growing / Mail worker could not keep up with its queue / The mail
    worker has piled up {nn}k messages
tail: restarted it / drained within the hour / added a replica / cause unknown
near: Queue at the canteen because of {food} / The mail room moves to the basement / A social worker visited for the
    volunteer day

oom 18
line: {svc3} was OOM-killed / OOM kill on {svc3} / {svc3} ran out of memory and restarted / Kernel killed {svc3} for
    memory / {svc3} exceeded its memory limit / Out-of-memory crash of {svc3}
tail: heap dump saved / {n} users noticed / after a large export / dashboards attached
near: In memory of the founder a bench was put up / {person} forgot the demo password of {svc3} / Memory game
    tournament at the summer party

vacuum 2
line: Vacuumed the events table / VACUUM FULL on events finished / Bloat in the events table removed by vacuum / Ran
    the weekly vacuum of events / Events table vacuumed and analysed / Vacuum run over the events table done
tail: {nn} GB regained / {nn} minutes / locks were short / autovacuum missed it
near: The cleaning crew's vacuum robot unplugged {host} / Event agency from {city} sent an offer / The table tennis
    table has a new net

scan 4
line: Container image scan: {n} new CVEs / Vulnerability scan of the images came back, {n} findings / Scanned all
    container images for vulnerabilities / Image scan finished with {n} criticals / The vulnerability scanner went
    through our images / Security scan of the containers done
tail: base image is the culprit / tickets filed / all in dev tools / fixed by rebuild
near: Scanned {person}'s passport for the {city} trip / A container ship blocks the canal, hardware late / Image
    photographer came for the website

newsletter-send 11
line: Sent the product newsletter / Product newsletter went out to {nn} thousand readers / Newsletter mailing
    finished / Mailed the newsletter to subscribers / The newsletter is out / Dispatched the product mail to all
    subscribers
tail: open rate {nn} percent / {n} bounces / typo in the subject / {person} wrote it
near: A letter without sender arrived from {city} / {person} unsubscribed from everything / Newspaper cut-out about
    {subject} on the fridge

review 16
line: Cleared the code review backlog / Went through all open pull requests / Review hour: {n} pull requests handled
    / Open PRs reviewed / Team reviewed pull requests together / Review session, {n} PRs merged
tail: one needs rework / {person} learned a lot / oldest was {nn} days old / nothing controversial
near: {person} got a review of the apartment by the {job} / Pull-up bar installed in the hallway / Opened the
    window, request denied by facility

replica 1
line: Read replica fell behind the primary / Replication lag on the read replica / Replica lagging by {nn} minutes /
    The read replica trails the primary / Lag alarm of the replica went off / Replication delay noticed at the read
    replica
tail: caught up alone / long query killed / network to {city} / {who} silenced it
near: A replica of the Eiffel tower on {person}'s desk / Jet lag after the {city} trip, {person} slept in the
    meeting / Primary school class visited

demo 14
line: Customer demo with Northwind / Showed the product to Northwind / Demo call with the Northwind people /
    Presented the current state to Northwind / Northwind got its demo / Walked Northwind through the latest features
tail: they liked {feature} / many questions / {person} presented / audio broke once
near: A demonstration on {street} blocked the entrance / North wind tore the banner off the roof / Latest fashion:
    {person} wears a {colour} suit

license 12
line: Checked the licence seats of the design tool / Design tool seats counted / Audited who uses the design tool
    licences / Design tool: {n} seats unused / Went over the design tool's seat list / Seat audit for the design
    tool done
tail: {n} returned / {person} needs one / no change / mail to the vendor
near: {person} passed the driving licence test / Theatre seats for the team in {city} / Design award went to a
    company from {city}

logs 8
line: Looked through the overnight error logs / Error log triage: {n} new kinds / Triaged last night's errors /
    Morning look at the error logs done / Sorted the night's error log entries / Overnight errors triaged
tail: mostly bots / {n} tickets filed / one from {module} / nothing alarming
near: {person} brought logs for the fireplace at the offsite / A night watchman reported a {animal} / Human error at
    the {city} power plant, says the news

docs 15
line: Docs hour: updated the onboarding guide / Onboarding guide revised / Improved the onboarding documentation /
    Worked on the onboarding guide / Edited the pages for newcomers in the onboarding guide / Refreshed the
    onboarding docs
tail: screenshots redone / {person} found gaps / {n} pages / removed the old VPN part
near: The tour guide of {city} cancelled / {person} boards the night train / Dog guide in training visited the
    office

index 22
line: Rebuilt the search index / Search reindex finished / Reindexed search / Full rebuild of the search index done
    / The search index was built anew / Search: index regenerated
tail: {nn} minutes / {nn} million documents / synonyms updated / disk nearly full
near: The stock index fell, {person} sighed / A search party looked for a hiker near {city} / {person} cut an index
    finger on a rack

mttr 13
line: Reported incident numbers to management / Incident statistics sent to management / Management got the incident
    report / Compiled the incident figures for management / Sent the monthly incident summary upstairs / Incident
    KPIs delivered to the managers
tail: {n} incidents / trend is fine / {person} asked about one / charts by {who}
near: An incident with a {animal} at reception / The management of the building changes in {month} / {person} became
    manager of a football team

secrets 11
line: Rotated the payment gateway's API keys / API keys of the payment gateway rotated / New keys for the payment
    gateway in place / Payment gateway key rotation done / Exchanged the API keys for payments / Payment keys
    swapped
tail: old ones revoked / {who} held the second factor / zero downtime / one worker missed it
near: {person} lost the keys of the bike room / Rotating chair at {mentor}'s desk broke / The gateway drug of all
    hobbies: {subject}, says {person}

loadtest 16
line: Load test of the API: {nn}00 requests per second / Ran the load test against the API / API load test finished
    / Stress-tested the API on staging / Load-tested the API, {nn}00 rps / Performance run against the API done
tail: p95 {nn} ms / no regressions / database was the limit / {person} tuned the pool
near: The truck's load shifted, hardware bent / {person} failed the stress test at the cardiologist / Apiary on the
    roof: {nn} thousand bees

migration 10
line: Moved another batch of tenants to the new schema / Tenant batch migrated to the new schema / Migrated {nn}
    tenants to the new schema / Schema migration: next batch of tenants done / A further group of tenants is on the
    new schema / Batch of tenants switched over to the new schema
tail: no rollbacks / {n} left behind / {who} monitored / overnight
near: Bird migration above {city}, {person} took photos / Tenants of the ground floor complained about noise / Batch
    of {food} for the summer party

sales 11
line: Answered the sales team's security questionnaire / Security questionnaire filled in for sales / Filled another
    security questionnaire / Security questions of a prospect answered / Completed a security questionnaire /
    Questionnaire on security returned to sales
tail: {nn} questions / reused old answers / {person} checked / prospect in {city}
near: {person} was stopped by airport security in {city} / Garage sale on {street} / Quiz about {subject} at the
    team event

cache 19
line: Flushed the CDN cache after stale prices / CDN cache purged because of stale prices / Stale prices again, CDN
    flushed / Purged the CDN, prices were outdated / Outdated prices on the site until the CDN was purged / CDN
    purge: prices were stale
tail: customers called / {nn} minutes / TTL under discussion / {who} did it
near: Price of {food} in the canteen goes up / Geocache found behind the {city} office / Stale bread at the customer
    breakfast
""")
