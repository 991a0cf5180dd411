"""What has one value at a time for an agent: how its user wants things done, and what it knows of the surroundings."""

from __future__ import annotations

from tests.bench.histories.tell import lines, topics

WISHES = topics("""
package-manager
for: installing JavaScript packages / JavaScript dependencies
values: npm / pnpm / yarn / bun

test-runner
for: running Python tests / Python tests
values: pytest / unittest / nose2

formatter
for: formatting code / code formatting
values: black / ruff format / autopep8

reply-language
for: replies / answering
values: English / German / French / Spanish

units
for: lengths and weights / units of measure
values: metric units / imperial units

dates
for: writing dates / dates
values: ISO dates / day-first dates / American dates

shell
for: scripts / shell scripts
values: bash / fish / zsh / POSIX sh

editor
for: opening files / showing files
values: VS Code / Neovim / Emacs / Zed

length
for: explanations / explaining things
values: short answers / detailed answers / step-by-step answers

quotes
for: strings in Python / Python strings
values: single quotes / double quotes

commit-language
for: commit messages / commits
values: imperative mood / past tense / emoji prefixes

plots
for: plots / drawing charts
values: matplotlib / plotly / seaborn / Vega

search-engine
for: web searches / searching the web
values: DuckDuckGo / Google / Kagi / Brave Search

branch-names
for: naming branches / branch names
values: ticket numbers / feature/ prefixes / initials in front

slides
for: slides / presentations
values: reveal.js / PowerPoint / Beamer / Google Slides

todo
for: to-do lists / keeping to-dos
values: Todoist / a plain text file / Trello / Apple Reminders

address
for: addressing the user / greeting the user
values: the first name / a formal title / no salutation at all

maps
for: directions / planning routes
values: OpenStreetMap / Google Maps / Apple Maps

tone
for: mails to customers / customer mails
values: a formal tone / a friendly tone / a humorous tone

http
for: HTTP calls in Python / HTTP requests in Python
values: requests / httpx / aiohttp / urllib

spreadsheets
for: spreadsheets / tables the user gets
values: Excel files / CSV files / LibreOffice files
""")

FINDINGS = topics("""
api-url
np: the base URL of the inventory API / the inventory API's address
own: The inventory API answers at {v} / Requests for the inventory go to {v}
values: api.stock.example / stock.internal:7000 / inv-v2.example / 10.4.0.12:8443

db-path
np: the path of the notes database / the notes database
own: The notes database lies at {v} / Found the notes database under {v}
values: /var/lib/notes.db / ~/data/notes.sqlite / /srv/notes/main.db / ./local/notes.db

python
np: the project's Python version / the Python version of the project
own: The project runs on Python {v} / The virtual environment has Python {v}
values: 3.9 / 3.10 / 3.11 / 3.12

default-branch
np: the default branch / the branch pull requests go to
own: Pull requests go to {v} / {v} is the branch to target
values: main / master / develop / trunk

dev-port
np: the dev server's port / the port of the dev server
own: The dev server listens on {v} / `npm run dev` serves on port {v}
values: 3000 / 4200 / 5173 / 8000

reviewer
np: the reviewer of backend changes / who reviews backend changes
own: Backend changes are reviewed by {v} / {v} reviews backend changes
values: Annika / Bashir / Cosima / Duncan

timezone
np: the user's time zone / the time zone of the user
own: The user is in {v} time / The user's clock runs on {v} time
values: Berlin / New York / Singapore / London / Nairobi

model
np: the local model / the model on the local server
own: The local server runs {v} / Local inference uses {v}
values: Qwen 7B / Llama 8B / Mistral 7B / Gemma 9B

line-length
np: the maximum line length / the line length limit
own: Lines may have up to {v} characters / The linter allows {v} characters per line
values: 79 / 88 / 100 / 120

printer
np: the default printer / the printer documents go to
own: Documents are printed on {v} / The print command uses {v}
values: the HP in the hall / the Brother upstairs / the office Canon

thermostat
np: the thermostat's evening setting / the evening setting of the thermostat
own: The thermostat is set to {v} for evenings / In the evening the heating aims at {v}
values: 19 degrees / 20 degrees / 21 degrees / 22 degrees

project-lead
np: the lead of the user's project / the user's project lead
own: {v} leads the user's project / The user's project is led by {v}
values: Mirela / Oswald / Preethi / Rodrigo

deadline
np: the thesis deadline / the deadline of the thesis
own: The thesis is due on {v} / The user has to hand in the thesis on {v}
values: 15 March / 2 April / 30 April / 11 May

bucket
np: the upload bucket / the bucket for uploads
own: Uploads are stored in {v} / Files go to the bucket {v}
values: media-prod-a / uploads-eu / blob-store-3 / cdn-origin

sprint
np: the length of the user's sprints / the sprint length
own: The user's sprints last {v} / A sprint takes {v}
values: one week / two weeks / three weeks

node
np: the required Node version / the Node version in .nvmrc
own: The repository requires Node {v} / .nvmrc says Node {v}
values: 16 / 18 / 20 / 22
""")

WISH_SAYS = lines("""
User prefers {v} for {for}
User asked to use {v} for {for}
Learned: {v} for {for}
User wants {v} for {for}
User corrected me: {v} for {for}
Reminder to self: {for} means {v}
User said to stick to {v} for {for}
Used {v} for {for}, as the user likes it
User repeated that {v} is right for {for}
Rule from the user: {for} with {v}
""")
WISH_TURNS = lines("""
User asked to use {new} instead of {old} for {for}
User corrected me: {new}, not {old}, for {for}
User now prefers {new} for {for}
User switched from {old} to {new} for {for}
User changed the rule: {new} for {for} from now on
{for}: user no longer wants {old} but {new}
""")
WISH_DROPS = lines("""
User asked never to use {old} for {for} again
User no longer wants {old} for {for}
User told me to stop using {old} for {for}
""")
WISH_DECOYS = lines("""
Only for this one task the user wanted {other} for {for}
{person}, a guest, asked for {other} for {for}
User asked what {other} is, explained
The old manual recommends {other} for {for}
{person}'s repository uses {other} for {for}, left as it is
User joked about people who use {other}
Tried {other} by accident, undone before the user saw it
""")
FINDING_SAYS = lines("""
{np} is {v}
Noted: {np} is {v}
Verified that {np} is {v}
User mentioned that {np} is {v}
According to the config, {np} is {v}
{np}: {v}
""")
FINDING_TURNS = lines("""
{np} is now {new}
{np} has changed from {old} to {new}
User told me that {np} is no longer {old} but {new}
Had to learn: {np} is {new} now, {old} is outdated
Using {old} failed, {np} is {new} now
""")
FINDING_DECOYS = lines("""
A tutorial the user read mentions {other}
{person}'s setup differs: there {np} is {other}
User considered {other} but left {np} as it was
In a made-up example {np} was {other}
Mistyped {other}, fixed at once
A stranger's question on a forum was about {other}
""")
