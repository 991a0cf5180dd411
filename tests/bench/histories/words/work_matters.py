"""What has one value at a time in a team: settings of services, and decisions on how to work."""

from __future__ import annotations

from tests.bench.histories.tell import lines, topics

SERVICES = """atlas-gateway|billing-api|catalog-search|delivery-planner|fraud-guard|identity-hub|ledger-writer|
media-proxy|notify-worker|order-intake|pricing-core|recommender|reporting-web|stock-sync|ticket-desk|
user-profile""".replace("\n", "").split("|")
ENVIRONMENTS = ("staging", "production", "the test cluster", "the demo environment")

# {e}: an environment, {s}: a service
SETTINGS = topics("""
port
np: the port of {s} on {e} / {s}'s port on {e}
own: {s} listens on port {v} on {e} / On {e}, {s} is reachable at port {v}
values: 8080 / 9090 / 7443 / 5005 / 8181

version
np: the version of {s} on {e} / {s}'s version on {e}
own: {e} runs {s} {v} / {s} is at {v} on {e}
values: 2.14.0 / 2.15.1 / 3.0.2 / 3.1.0 / 2.9.7

replicas
np: the replica count of {s} on {e} / the number of {s} replicas on {e}
own: {s} has {v} replicas on {e} / {v} replicas of {s} run on {e}
values: two / three / five / eight / twelve

timeout
np: the request timeout of {s} / {s}'s request timeout
own: {s} gives up on requests after {v} / Requests to {s} time out after {v}
values: 5 seconds / 12 seconds / 30 seconds / 90 seconds

owner
np: the owner of {s} / the person responsible for {s}
own: {v} owns {s} / {v} is responsible for {s} / For questions on {s}, go to {v}
values: Lina / Marco / Sunita / Gregor / Hanne

region
np: the region of {s} / the cloud region {s} runs in
own: {s} runs in {v} / {s} is hosted in {v}
values: eu-west-1 / eu-central-1 / us-east-2 / ap-south-1

loglevel
np: the log level of {s} on {e} / {s}'s log level on {e}
own: {s} logs at {v} on {e} / Logging of {s} on {e} is set to {v}
values: DEBUG / INFO / WARNING / ERROR

dbhost
np: the database host of {s} / the database {s} talks to
own: {s} reads and writes {v} / {s} keeps its data on {v}
values: db-north-1 / db-south-4 / db-lake-2 / db-hill-7

schedule
np: the nightly job of {s} / the start of {s}'s nightly job
own: The nightly job of {s} starts at {v} / {s} begins its night job at {v}
values: 01:00 / 02:30 / 03:45 / 23:15

channel
np: the alert channel of {s} / the channel for {s} alerts
own: Alerts of {s} go to {v} / {s} alerts are posted in {v}
values: #ops-red / #night-watch / #platform / #pager-room
""")

DECISIONS = topics("""
merging
for: pull requests / merging
values: squash merges / merge commits / rebase and fast-forward

branching
for: branches / the branching model
values: trunk-based development / Git Flow / release branches

indentation
for: indentation / indenting code
values: tabs / two spaces / four spaces

formatter
for: formatting Python / the Python formatter
values: Black / Ruff / yapf

apis
for: new internal APIs / services talking to each other
values: REST / gRPC / GraphQL / a message bus

ids
for: primary keys / ids in new tables
values: UUIDv7 / bigint sequences / ULIDs / nanoids

chat
for: team chat / where the team talks
values: Slack / Mattermost / Zulip / Matrix

incident-tool
for: incident tracking / keeping track of incidents
values: PagerDuty / a plain spreadsheet / Opsgenie / GitHub issues

css
for: styling components / stylesheets
values: Tailwind / CSS modules / plain Sass / styled-components

e2e
for: end-to-end tests / browser tests
values: Playwright / Cypress / Selenium

flags
for: feature flags / switching features on
values: LaunchDarkly / environment variables / a table in the database / Unleash

meeting-day
for: the planning meeting / planning
values: Monday mornings / Wednesday afternoons / Friday mornings

ci
for: continuous integration / CI
values: GitHub Actions / Jenkins / Buildkite / GitLab CI

errors
for: error handling in Go services / wrapping errors
values: sentinel errors / error codes / wrapped errors with context

orm
for: database access / talking to the database
values: plain SQL / SQLAlchemy / a query builder

commit-style
for: commit messages / writing commit messages
values: Conventional Commits / free-form sentences / ticket numbers first

docs-home
for: documentation / writing docs
values: Confluence / Markdown in the repository / Notion / Google Docs

deploy-day
for: big releases / scheduling big releases
values: Tuesdays / Thursdays / early Mondays
""")

SETTING_SAYS = lines("""
{np} is {v}
{np}: {v}
{np} is set to {v}
Note: {np} is {v}
Checked {np}: {v}
For reference, {np} is {v}
Runbook: {np} is {v}
""")
SETTING_TURNS = lines("""
{np} is now {new}
{np} changed from {old} to {new}
Changed {np} to {new}
{np} is no longer {old}, it is {new}
Set {np} to {new}, was {old}
{person} moved {np} from {old} to {new}
As of today {np} is {new}
""")
SETTING_DECOYS = lines("""
{np2} is {other}
{np2}: {other}
Typed {other} by mistake while reading {np}, corrected at once
{person} asked whether {np} could be {other}, no need
For ten minutes {np} was {other}, an experiment, reverted
Nobody asked about {np} in the audit
A blog post recommends {other} for things like this
""")

DECISION_SAYS = lines("""
Use {v} for {for}
We use {v} for {for}
Decision: {v} for {for}
{for}: {v} it is
The team prefers {v} for {for}
Style guide: {v} for {for}
Reminder: for {for} we go with {v}
Agreed on {v} for {for}
{person} pointed a newcomer to our rule: {v} for {for}
""")
DECISION_TURNS = lines("""
Switched from {old} to {new} for {for}
From now on use {new} for {for}
Use {new} instead of {old} for {for}
The team now prefers {new} for {for}
Decision reversed: {new} for {for}, no longer {old}
We moved from {old} to {new} for {for}
{for}: {new} replaces {old}
""")
DECISION_DROPS = lines("""
Don't use {old} for {for} any more
We no longer use {old} for {for}
{old} is banned for {for} from today
""")
DECISION_DECOYS = lines("""
The {city} office uses {other} for {for}
Just for the hackathon, {other} for {for}
{person} used {other} for {for} at a former company
{person} wants a talk about {other} some day
Northwind's own team uses {other} for {for}
A book on {other} lies in the kitchen
Someone suggested {other} for {for}, no majority
""")
