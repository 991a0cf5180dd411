"""What happens once in a team that builds and runs software, as a log has it: no "I", past tense or none."""

from __future__ import annotations

from tests.bench.histories.tell import lines

OPS = lines("""
{person} replaced the broken keyboard at the {city} desk
{person} gave a lunch talk about {subject}, {nn} people came
Fire alarm test took {nn} minutes, everybody outside
The vendor of {tool} announced a price increase for {month}
{person} joined the team, first week with {mentor}
Signed the data processing agreement with a supplier from {city}
Lost {n} hours to a missing semicolon in {file}
{person} found an off-by-one in the pagination of {module}
Rewrote the README of {module}, the old one described another product
{person} demoed a prototype for {feature} to the sales team
A customer from {city} reported garbled umlauts in the PDF export
Postponed the offsite in {city} to {month}
Ordered {n} monitors, one arrived cracked
Disk of {host} filled up with core dumps of {tool}, deleted {nn} GB by hand
{person} interviewed a candidate who used to be a {job}
The intern from {city} automated the {feature} report
Memory leak in {module} traced to a cache without bounds
Removed {nn} unused feature flags from {module}
The {country} tax rules broke {module} for one invoice
{person} broke the coffee machine descaling it
A fibre cut near {city} slowed the VPN for {n} hours
Legal asked for a list of licences used in {module}
Recorded a screencast of {feature} for the partner in {city}
{person} discovered a race condition between {module} and {module}
Reverted the experiment with {tool}, startup was {nn} percent slower
Archived the repository of the old {feature} prototype
Pen test report came in: {n} findings, the worst in {module}
{person} was locked out of {host} after typing the passphrase wrong
Found a hard-coded path to {person}'s laptop in {file}
The conference in {city} accepted {person}'s talk on {subject}
Moved the whiteboard to the room called {colour}
Wrote a postmortem about the double charge of {nn} customers
{person} profiled {module}: {nn} percent of the time is spent parsing dates
Duplicate rows in the export of {feature}, caused by a retry
The domain for the {city} campaign expired unnoticed
Swapped the fan of {host}, it sounded like a {animal}
A screenshot in the handbook showed a real customer from {city}
Translated the error messages of {module} into Portuguese
{person} wants to replace {tool} by something simpler, no decision
Upload of {nn} GB from {city} stalled at 99 percent
The elevator in the data centre got stuck with a rack in it
Added a dark favicon, {person} insisted
Estimated {feature}: {n} weeks, nobody believed it
Lightning strike near {city}, UPS of {host} took over for {nn} seconds
{person} deleted the wrong branch and got it back from reflog
Bought a licence of {tool} for the designers
Support escalated a ticket of a {job} from {city} about {feature}
Clock of {host} was {n} minutes ahead, tokens were refused
Cleaned up {nn} orphaned volumes left by {tool}
{person} wrote a limerick into the commit message of {file}
The printer on the third floor printed {nn} pages of Wingdings
Evaluated {tool} against {tool}, notes are in the shared folder
Customer workshop about {feature} with a freight company from {city}
{person} fixed a typo in the SQL of {module} that hid a third of the rows
Negotiated a discount of {nn} percent with the hosting company in {city}
Somebody pushed a {n}-gigabyte video to the repository of {module}
The usability test of {feature} had {n} participants, all got stuck at the same button
Introduced {person} to the auditors from {city}
Rotated a leaked token that stood in {file}
A regular expression in {module} took {nn} seconds on an address in {city}
Printed a poster of the architecture, {module} is missing on it
{person} taught the new colleagues how to read a flame graph
Closed {nn} stale tickets of the {feature} epic
Measured the noise in the server room for the {job} from the safety office
The emoji in a customer's name crashed {module}
Installed a sensor in the {colour} room, it reported {nn} degrees
{person} migrated the wiki pages on {feature}
Team lunch, {food}, on {person}'s birthday
A {animal} chewed through the cable behind {host}
Published a blog post about {subject} in databases
Investigated why {module} sorts {city} before Aachen
{person} handed in the thesis on {feature}
A browser update broke the drag handles of {feature}
Forwarded a phishing mail that pretended to come from {person}
Set up a booth at the fair in {city}, gave away {nn} T-shirts
The legacy FTP of a client in {city} still gets files, nobody knows why
{person} paired with {mentor} on the parser of {file}
Invoice from {tool} was {nn} euros too high, disputed
Upgraded the firmware of the badge readers on floor {n}
Found {n} dead links in the imprint
The product owner dropped {feature} from the spring scope
A load balancer in {city} answered with a certificate from {month} last year
{person} got an award for the accessibility of {feature}
Counted {nn} TODO comments in {file}
Packed the old rack for the museum in {city}
{person} argued for rewriting {module} in Rust, over {food}
A customer paid in {country} currency, rounding was off by {n} cents
Sketched the data flow of {feature} with a {job} from the client
The chat bot answered a complaint about {food} with a poem
Tracked down a zombie process on {host}, parent was {tool}
Rewired the doorbell to a webhook, {person} regrets it
{person} bisected a slowdown to a change in {file}
Exported {nn} thousand rows for the lawsuit in {city}
The charger of the test phone melted
{person} moved to the {city} office
Removed the easter egg with the {animal} before the audit
A cosmic coincidence: {n} laptops failed on the same afternoon
Drew lots for the last seat in the training on {tool}
Recovered {person}'s spreadsheet from a temp file
The cafeteria in {city} asked for an API, politely declined
Wrote a fuzzer for {module}, it found {n} crashes
Asked marketing to stop embedding {nn}-megabyte pictures
Noticed that {module} logs passwords of the test tenant, fixed
{person}'s badge was cloned in a security exercise
Labelled all patch cables in rack {nn}
The {feature} beta has {nn} testers, mostly from {city}
Compared {n} fonts for the console, {person} picked the ugliest
Traced a phantom order to a {job}'s browser extension
Sent the crashed drive of {host} to a lab in {city}
The weather data feed for {city} went silent, supplier bankrupt
{person} volunteered as fire warden
Wrote a haiku generator for the {feature} hackathon
Shredded {nn} kilos of old backups on tape
A tenant in {country} asked for right-to-left layout
Documented the smell of burnt plastic near {host}
Cancelled the subscription to a journal on {subject}
Unit mix-up in {file}: seconds were read as minutes
{person} showed how {tool} draws dependency graphs
The parental leave of {person} begins in {month}
Replaced a magic number in {module} with a named one, found {n} more
Received a fax. Nobody knows how
{person} reported a suspicious {object} at reception
Ran out of IPv4 addresses in the {city} lab
Gave the old laptops to a school in {city}
Corrected the time zone of {country} in {file}
The drone footage of the {city} site needs {nn} GB
{person} won the office chess tournament against {mentor}
Vendor call with {tool}: roadmap is vague
Turned the shouting match about {feature} into an RFC
A memory module of {host} had {n} correctable errors
Read the court ruling on cookies, changed the banner of {feature}
Bumped into a limit of {nn} columns in {tool}
{person} drew a {animal} on the incident board
Hotel for the {city} trip was double-booked
Learned that {module} was written in {n} nights by a former colleague
Wrote to the maintainers of {tool} about a segfault
Glass door of the {colour} room shattered, no one hurt
Checked whether {feature} works on a fridge. It does
Trimmed {n} seconds from the loading of {feature} by lazy images
A bot registered {nn} accounts named after {animal}s
{person} forgot the HDMI adapter, presented {feature} by waving
Estimated the carbon footprint of {host}
The auditors liked the key ceremony in {city}
Switched off the last server that ran {tool} on Windows
Opened a window in the server room, a {animal} came in
""")

MODULES = """address-book|ad-rotator|badge-printer|barcode-reader|calendar-sync|cart-merger|coupon-engine|
csv-importer|currency-converter|document-store|feedback-form|file-previewer|geo-lookup|image-resizer|
inventory-cache|label-maker|mail-merger|map-tiles|newsletter|order-splitter|parcel-tracker|password-reset|
price-index|quiz-engine|rating-service|receipt-scanner|session-broker|sms-sender|stock-ticker|tax-table|
thumbnailer|timesheet|translation-memory|voucher-check|waitlist|widget-host""".replace("\n", "").split("|")
TOOLS = """Airflow|Ansible|Blender|Cassandra|ClickHouse|Consul|Envoy|Figma|Flink|Grafana|Hugo|Istio|Jaeger|Jira|
Kibana|Loki|MinIO|Nagios|Neo4j|Nomad|OpenSearch|Packer|Pandoc|RabbitMQ|Sentry|Splunk|Superset|Tableau|Terraform|
Traefik|Vagrant|Varnish|Zabbix|ZeroMQ""".replace("\n", "").split("|")
FEATURES = """bulk upload|calendar view|dark mode|device pairing|dunning letters|gift cards|guest checkout|
heat map|invoice archive|keyboard shortcuts|live captions|loyalty points|map search|offline mode|order history|
photo gallery|product tour|QR check-in|referral links|route planner|seat selection|shared lists|signature pad|
spell checker|subscription pause|two-page layout|undo button|video calls|voice notes|wish list""".replace(
    "\n", ""
).split("|")
HOSTS = (
    "alder birch cedar cypress elder fir ginkgo hemlock laurel magnolia maple rowan sequoia spruce tamarind yew".split()
)
FILES = """config.yaml|dates.py|export.sql|footer.html|grid.css|helpers.rb|index.ts|layout.tsx|locale.json|
main.go|money.java|parser.rs|queue.ex|router.php|schema.graphql|settings.toml|tokens.c|units.kt""".replace(
    "\n", ""
).split("|")
COUNTRIES = """Argentine|Brazilian|Canadian|Danish|Egyptian|Finnish|Greek|Indian|Japanese|Kenyan|Mexican|Norwegian|
Polish""".replace("\n", "").split("|")

OPS_WORDS: dict[str, tuple[str, ...]] = {
    "module": tuple(MODULES),
    "tool": tuple(TOOLS),
    "feature": tuple(FEATURES),
    "host": tuple(HOSTS),
    "file": tuple(FILES),
    "country": tuple(COUNTRIES),
    "mentor": ("Agnes", "Bruno", "Carmen", "Dmitri", "Elena", "Florian"),
}
