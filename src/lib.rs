//! mailtui: a terminal email client. This page is the map.
//!
//! # Bird's eye view
//!
//! ```text
//!  terminal (a device)                             sync backend (in this process, or `serve`)
//! ┌──────────────────────────────────┐            ┌──────────────────────────────────────────┐
//! │ ui: input → update → draw        │            │ session per device                       │
//! │   │ requests         ▲ updates   │            │    │ push           ▲ page, live, ack    │
//! │   ▼                  │           │  WebSocket │ backend: gives every event its position  │
//! │ engine: device + driver + link   │◀──────────▶│    │ a Thread log grew    ▲ Mailbox log  │
//! │   Mailbox store  (mailbox.db)    │            │ thread client ▶ queue ▶ worker ▶ mailbox │
//! │   own events, overlay, `shown`   │            │    ▲ events            client            │
//! │   Thread stores  (LRU, memory)   │            │ ingest ◀ bridge (mbox, Maildir, .eml)    │
//! └──────────────────────────────────┘            └──────────────────────────────────────────┘
//! ```
//!
//! Every conversation is a store of its own, the source of truth; the Mailbox store mirrors what is
//! needed to list and count. Each store is an append-only log of events, and tables that
//! materializers make from it. The backend gives every event its position; a device commits its
//! own events at once, shows them over the confirmed rows, and offers them until they are known.
//!
//! # Words
//!
//! An *event* is a fact in a store's log; a *position* its place there, given by the backend;
//! *pending* is committed here and not yet confirmed; the *watermark* of a thread is the last
//! position that the Mailbox store has taken in; the *overlay* is what a device shows of its own
//! events until the watermark passes them; an *epoch* is one unbroken life of a backend's logs; an
//! *action* is all events of one intent; a *place* is one of inbox, archive, spam and trash.
//!
//! # Floors
//!
//! A room imports only rooms on lower floors; rooms on one floor do not know each other. A test
//! (`tests/it/architecture.rs`) holds this table against the sources.
//!
//! | floor | rooms |
//! |---|---|
//! | 7 | `main.rs`, [`cli`]: arguments, wiring, one file a subcommand |
//! | 6 | [`ui`]: the terminal; `update` and `view` are pure, `sources` has the threads |
//! | 5 | [`engine`]: the device; [`backend`]: order, pipeline, ingest, sockets |
//! | 4 | [`imap`]: what a mail server has, and what it is told; [`smtp`]: a message given away |
//! | 3 | [`command`]: what keys mean; [`projection`]: thread → rows; [`bridge`]: mail in files |
//! | 2 | [`mailbox`], [`thread`]: the schemas; [`sync`]: frames; [`account`]: servers, passwords |
//! | 2 | [`search`]: what is asked of mail, and what of it answers |
//! | 1 | [`store`]: logs, blobs, own events; [`mail`]: RFC 5322 and MIME |
//! | 1 | [`config`]: what the user has set, themes |
//! | 0 | [`id`], [`label`], [`clock`], [`notice`], [`limits`], [`safe_text`], [`crash`] |
//!
//! What must never be: `mail` has no database, socket or terminal; `store` no mail, network or
//! async; materializers no clock, randomness or file; `command` no terminal or runtime; `sync` no
//! idea of what an event means; `ui` no database, backend or bridge. One door for each outside
//! library: ratatui and crossterm in `ui`, rusqlite in `store`, the schemas, `search` and their
//! devices, tungstenite in `sync`, mail-parser in `mail`.
//!
//! # Where to look
//!
//! | what happens | where, in order |
//! |---|---|
//! | a command is found, typed | `ui/palette`, `ui/ex` → `ui/asking` → `command/fuzzy`, `line` |
//! | what a key means | `cli/keys` → `command/bindings` → `keymap`, `preset` ← `registry` |
//! | key `e` | `ui/keys` → `command/archive` → `engine/run` → `engine/intents` → `mailbox/groups` |
//! | a count, once more, a neighbour | `ui/counts`, `ui/again`, `ui/advance` ← `command/again` |
//! | a tab above the list | `config/tabs` → `ui/tabs` → `ui/view/tabs` |
//! | something is found while one reads | `ui/find` → `ui/reader/turned`, `hits` |
//! | a blob comes in, goes out | `backend/blobs`, `store/upload` ← `engine/blobs` |
//! | a blob that is not here is named | `backend/returns` → `backend/storage/references` |
//! | what is kept on a device | `engine/policy` → `engine/walk` → `engine/keep` → `engine/kept` |
//! | what `--sync-only` says | `cli/sync_only/summary` ← `engine/left_out`, `engine/silence` |
//! | an event goes out | `engine/outgoing` → `engine/link` → `backend/core` (`push`) |
//! | a thread changes | `backend/thread_client` → `projection/diff` → `backend/storage/queue` |
//! | a batch is taken in | `backend/worker` → `backend/mailbox_client` → `mailbox/materializer` |
//! | a page comes in | `engine/slice` → `engine/apply` → `mailbox/materializer` → overlay |
//! | what a page does to a row, once | `mailbox/net` → `mailbox/groups` (`settle`) |
//! | a message comes in | `bridge/import` → `backend/ingest` → `mail` → `backend/storage/index` |
//! | a source changed | `bridge/survey` → `bridge/changes` → `bridge/follow` → `backend/follow` |
//! | `account add` | `cli/account/add` → `account/discover` → `cli/account/attempt` |
//! | an account is added on the screen | `ui/wizard` → `ui/sources` → `cli/account/wizard` |
//! | servers are found | `account/discover` → `discover/net`, `discover/dns` → `discover/choose` |
//! | an account is fetched | `backend/fetcher` → `imap/worker` → `imap/pass` → `backend/edge` |
//! | what a server said otherwise | `backend/edge` → `bridge/follow` → `backend/follow` |
//! | what we say otherwise | `backend/worker` (`touch`) → `imap/orders` → `imap/write` |
//! | what we said comes back | `imap/shown`, `backend/echo` ← `backend/edge`, `backend/edge_out` |
//! | which message has the star | `backend/edge_stars` ← `backend/edge`, `backend/edge_out` |
//! | a response of a server | `imap/wire` (bounds) → `imap/client` → `imap/reading` |
//! | the rest of a message | `engine/rest` → `backend/edge_rest` ← `imap/wanted`, `outline` |
//! | labels of Gmail | `imap/gmail` ← `backend/edge/said`, `imap/orders` |
//! | what went to some only goes to the others | `outbox/rest` ← `settle`; `compose/narrow` |
//! | what is queued is sent | `outbox/looking` → `outbox/decide` → `outbox/giving` → `settle` |
//! | what was queued has a row | `backend/outbox/rows` ← `backend/core` (`push`), `doctor` |
//! | what was taken back too late | `engine/apply` (`forget_projected`) → `engine/late` |
//! | `compose`, `reply`, `forward` | `cli/writing` → `mail/compose` → `engine/drafts` |
//! | `send`, `outbox` | `cli/writing/send`, `outbox` → `engine/drafts` → `backend/outbox` |
//! | a list is left | `cli/writing/unsubscribe`, `ui/unsubscribe` → `account/one_click` |
//! | a device searches where all mail is | `engine/elsewhere` → `backend/finder` → `ui/search` |
//! | a command does, beside a terminal or not | `cli/search/there` → `engine/errands` |
//! | what devices know of accounts | `cli/tui_mail` → `backend/hearing` → `engine/told` |
//! | who is proposed in To | `mailbox/people` → `engine/people` → `ui/compose/outgoing` |
//! | what an answer needs of its message | `ui/compose/original` → `engine/originals` |
//! | a message is given to a server | `outbox/post` → `smtp/submit` → `account/smtp_wire` |
//! | what is sent is filed at a server | `backend/outbox/filing` ← `imap/sent` |
//! | a live Maildir | `cli/watch` → `bridge/watch` → `bridge/import` (`only`) |
//! | delivered twice | `backend/mailbox_client` (`take`): the watermark says no |
//! | a message is gone at its source | `backend/removed` → `thread/state` → `thread/cells` |
//! | a snooze ends | `backend/host` → `backend/wake` → `mailbox/snoozed` → `thread/cells` |
//! | a thread is purged | `backend/purge` → `backend/storage/purged` → `mailbox/purge` |
//! | what goes of it on a device | `engine/apply` (`take_in`) → `engine/purge` (`drop_thread`) |
//! | a thread is loaded, let go | `ui/update` (`prefetch`) → `engine/run` → `engine/memory` |
//! | the log becomes a snapshot | `backend/maker` → `backend/bootstrap` → `mailbox/snapshot` |
//! | a device takes it in | `engine/bootstrap` → `mailbox/snapshot/load`, then `index` |
//! | a message is written | `ui/compose` (its map) → `engine/composing` → `engine/drafts` |
//! | the editor gets the terminal | `ui/gate`, `ui/event_loop` → `cli/tui_editor`, `sheet` |
//! | words that the disk refuses | `ui/compose/keeping` ← `engine/composing`; `compose/rescue` |
//! | how fast keys are drawn | `ui/latency` → `ui/meter` → `ui/view/latency` ← `benches` |
//! | mail is counted | `mailbox/counted`, `search/spans` → `engine/stats` → `ui/view/stats` |
//! | lists and answers are counted | `search/lists`, `search/answers` → `engine/stats` |
//! | a link is opened by the terminal | `ui/reader/anchors` → `ui/osc8` → `ui/paint` |
//! | a border is dragged | `ui/mouse` → `ui/layout` (`Border`) → `engine/sizes` |
//! | the interface as lines, a message in it | `ui/linear_loop` → `ui/linear`, `linear_write` |
//! | the history is looked through | `ui/filter` → `ui/history` ← `engine/history` |
//! | the mouse, the focus, modes of the terminal | `ui/modes`, `ui/input` → `ui/mouse` |
//! | a frame | `ui/event_loop` → `ui/pace` (when) → `ui/view` (cells) → `ui/paint` (bytes) |
//! | a death in the simulation, a rule broken on purpose | [`crash::faults`] |
//! | a long job is stopped | `cli/stop` → `engine/driver` (`until`), `backend/doctor` |
//! | a signal, a panic | `ui/signals`, [`crash::report`] → `ui/event_loop` → `ui/terminal` |
//! | what an undo gives | `thread/fold` (`decide`, `run`), `thread/cells` |
//! | undo and redo, and what stays | `engine/undo` → `mailbox/history`, `thread/kept` |
//! | a label's name, colour, end | `engine/labels` → `mailbox/label_log` → `mailbox/labels` |
//! | threads joined, split | `engine/links` → `thread/cells` → `backend/storage/links` |
//! | history | `backend/thread_client` (`actions`) → `mailbox/history` → `engine/history` |
//! | a file of an older format | `store/db` (`open_with`) → `mailbox/rebuild`, `backend/storage` |
//! | a name of events that is new here | `store/known` → `mailbox/rebuild`, `storage/again` |
//! | another projection | `backend/storage/again` → `backend/reproject`, a slice a step |
//! | a file outlives a power cut | `store/db` (`durable`), `store/room`, `disk`, `engine/syncer` |
//! | an own event is forgotten | `engine/apply` (`forget_projected`) ← `engine/kept_disk` |
//! | which form of a part is shown, and the other | `mail/alternative` ← `body`, `searchable` |
//! | an attachment is saved, opened, piped | `cli/attachment` ← `mail/part`, `mail/program` |
//! | a file is saved, read on the screen | `ui/files` → `cli/tui_files` → `cli/attachment` |
//! | a picture is seen | `ui/files` (`page`) → `cli/tui_files` → `ui/picture` → `ui/terminal` |
//! | mail goes out into files | `cli/export` → `bridge/leave` → `keyword`, `compose/restate` |
//! | a backup | `cli/backup` → `cli/beside/hold` → `backend/cut` → `backend/backup` |
//! | a restore | `cli/restore` → `backend/cut`, `place` → `engine/rewind` → `backend/returns` |
//! | a damaged file | `store/salvage`, `store/check` → `backend/mend`, `engine/mend` ← `doctor` |
//! | a damaged log of a thread | `backend/heal` → `engine/lacks` → `store/mend` (what is proven) |
//! | a draft is written, queued | `engine/drafts`, `engine/composing` → `thread/outgoing` |
//! | what a kill left of a draft | `engine/drafts` (`recover_drafts`) → `engine/written` |
//! | new mail is announced | `backend/announce` → `cli/tui_mail` → `ui/announce`, `on_new_mail` |
//! | what accounts do | `backend/fetcher` → `cli/tui_mail` → `ui/view/accounts` |
//! | an answer, a forward is begun | `mail/compose/reply` ← `shown`, `people`, `quote` |
//! | a draft becomes bytes | `mail/compose/build` → `header`, `flowed`, `transfer` |
//! | words come into the index | `backend/indexer` → `storage/feed` → `search/entry` → `index` |
//! | words of what is imported | `mail/searchable` → `search/ahead` → `storage/feed` |
//! | `search` | `cli/search` → `search/query` → `engine/finding` → `search/find` (`plan`, `walk`) |
//! | a search need not look what is new | `cli/search/quiet` |
//! | the beginning of a word is asked as words | `search/begun` → `search/plan` |
//! | `list` and `search` are read without the whole parser | `cli/reading` |
//! | mail is searched on the screen | `ui/search` → `engine/searcher` → `engine/sought` (rows) |
//! | what was found in a conversation | `ui/reader/hits` ← `search/hits` |
//! | what mail may show | [`safe_text`] |
//! | a setting, a theme changes | `cli/settings` → `config` → `ui/look` → `ui/theme` |
//! | a page becomes text | `mail/html` (`token` → `tree`, `style` → `render`) → `mail/body` |
//! | a link is shown, opened, copied | `mail/links` → `ui/links` → `cli/opener`, `ui/clipboard` |
//! | who wrote it is believed or not | `mail/auth`, `mail/sender` → `ui/reader/body` |
//! | the sample mailbox, its dates and its tour | `cli/demo`, `cli/demo_mail`, `ui/tour` |
//! | a command beside a terminal | `cli/desk` → `cli/beside` (`guest`, `host`) → `engine/run` |
//! | a query is read | `search/query` → `query/parse` → `query/asked` ← `search/complete` |
//! | what was found is shown as found | `search/hits`, `hits/snippet` ← `search/words` |
//! | an error's line, hint and exit code | the room's `error.rs` → [`notice`] → `cli/output` |
//!
//! # On disk
//!
//! `DIR/mailbox.db` is the device: the Mailbox log and its tables, own events, the `shown` index.
//! `DIR/backend/threads.db` holds every Thread log, the queue, snapshots, the message index and
//! blobs; `DIR/backend/mailbox.db` the backend's Mailbox store, `snapshots.db` beside it what a new
//! device gets of it, and `search.db` the words of all messages; both can be made again at any
//! time. A device of a remote backend has `DIR/remote.json` and, in `DIR/threads.db`, the logs and
//! long texts that it is to keep, with their words in `DIR/search.db`.
//! `DIR/backend/search.seen` says how the files were when a search found nothing lacking.
//! `DIR/lock` is held by the one process that owns the directory; while that is a terminal or runs
//! with `--watch`, it hears other commands of the same user on `DIR/socket`. `DIR/sources.db`
//! remembers which files were imported and what they said; losing it costs reading them again.
//! A damaged file is put aside as `NAME.damaged` when it is made again. `DIR/accounts.toml` is the
//! user's: which accounts there are; `DIR/accounts.removed` those that were removed, for who
//! fetches to forget what their servers had; `DIR/secrets` has passwords that were typed, where no
//! keyring keeps them. `DIR/writing.db` is what is being written on this device: a journal of open
//! drafts, and what is attached until the backend has it; `DIR/compose` has what an editor was
//! given, until it is saved. `DIR/crash.txt` says where the last panic
//! was, without mail.
//!
//! # Decisions
//!
//! - **A loaded Thread store is values, not SQLite in memory.** Undo needs a fold over the whole
//!   log, the overlay needs the same fold over a row's trail; one pure function (`thread/fold`)
//!   serves both, so they cannot disagree, and a thread loads in microseconds.
//! - **Own events lie in the Mailbox store's file.** An action, what it shows, and its counts are
//!   then one transaction; there is no second file that could be behind. Only the device's tables
//!   are mixed: confirmed tables hold nothing provisional.
//! - **The engine answers from the open transaction.** Reads on the writing connection see it at
//!   once; it is committed at once, or while the disk is busy at most [`limits::COMMIT_WITHIN`]
//!   later, without waiting for the disk; another thread syncs the write-ahead log, and nothing of
//!   it is sent before that has ended.
//! - **One `unprojected` table.** Without a position an own event is pending, with one it waits
//!   for its watermark.
//! - **An epoch is marked where it matters.** A restore begins one; the Mailbox log says so first,
//!   and a Thread log right before the first event that it gets in it, with where it ended. So an
//!   untouched thread costs nothing, and the fold knows by the log alone how far a `seen` of each
//!   epoch reaches: it keeps all marks, not the last, since what was seen in an epoch that the log
//!   knows reaches up to the next mark and not only to the least.
//! - **Equal chains are equal logs**, whatever the epoch: a cursor that fits is read on from. One
//!   that does not is answered with where both may agree; the device goes down by halves from
//!   there. What a purge emptied has the chain of what it was: a restore may bring that back, so
//!   in a new epoch a device reads on from before the first such event of its Mailbox log.
//! - **In a new epoch a device compares before it pushes**: the Mailbox log first; that says which
//!   kept logs go on above their watermark, and only those can hold what the backend lost. What
//!   this device did waits in the queue, and is shown, from when its row goes back.
//! - **After a restore comes back what a device holds**: its own events until rows show them, and
//!   the logs that it keeps. What the ended life acknowledged after the backup, rows show on the
//!   device that wrote it, and nobody's kept log holds is gone, as mail is that nobody keeps: a
//!   device holds a key no longer than until the backend has it and shows it, and it is not told
//!   of a restore before it connects. So a page of the ended life that is read after the restore
//!   counts as one that was read before it.
//! - **A damaged Mailbox store begins a new epoch.** What of its log fits the chain stays, and the
//!   rest is projected from the Thread logs again; devices compare, as after a restore, and offer
//!   what no Thread log has.
//! - **A damaged Thread log is withheld until a device mends it.** Who holds it is asked, and what
//!   it says is taken where a chain proves it that stands in the file: so a device's log that ends
//!   earlier mends up to there, and what the backend acknowledged is never cut. Chains are over
//!   ids, names and arguments: a bit that flips in who wrote an event, or when, is not seen.
//! - **What a mail server has is compared with what was agreed on**, message by message (the base),
//!   never with what we have: what it says otherwise is followed, what we say otherwise is ordered.
//!   Both lie in the file of the logs and change with them, so a crash or a backup that is put back
//!   has both or neither. A place that was chosen here and is not written yet stands against the
//!   server's; where an account is met for the first time, the server's flags count.
//! - **What a server does late is an echo.** A connection that goes leaves commands in the server's
//!   buffer that are done after the next one has looked. All that was told and not answered is
//!   remembered for as long as a server may keep a connection; a word that equals one of it is
//!   agreed on, and what is wanted now is written after it.
//! - **IMAP's framing is ours, its grammar is `imap-proto`'s.** No client library bounds what a
//!   server may send before it is read; so responses are parted, and refused, by length and depth
//!   first. QRESYNC tells what is gone by UID.
//! - **A server that contradicts itself is not believed; a lie that fits costs no mail.** An answer
//!   has a size and a time as a whole. A folder is taken in only when as many messages are known
//!   as it says it has; what is taken for gone is an event, and comes back when it is met again.
//! - **What another client expunged is shown no more, and kept.** A message that is in no folder
//!   after all were looked at is removed by an event, and comes back should it be met again.
//! - **A message that is not whole has no bytes.** What is here of it (header, texts) has
//!   a name of its own in a view, so that nothing can save, send on or write out half a message for
//!   a whole one. The rest is asked for by an event, offline too, and comes as one to all.
//! - **Folders that are no place are labels, and their mail is archived**: it is not in the inbox
//!   of that server. A label whose folder is there is written as a copy, another as a keyword.
//! - **A backup is read by who asks for it.** The owner of the directory only waits between two
//!   commits until both files are being read, so the file is made by the asker, where it may write.
//! - **What was queued to be sent is not sent by a restore.** A `MessageQueued` that was first
//!   offered in another epoch than the backend's is *unknown, check*: it may have been sent in
//!   the life that the restore ended.
//! - **The log decides what is sent, rows only say what to look at.** A claim stands at the head
//!   that was looked at; what is claimed and in no hands of this process is *unknown*. Unknown ends
//!   by itself only when the message is met, in the folder of sent mail or anywhere, by its
//!   Message-ID. It is sent again only by a `MessageQueued` that names it and comes behind the
//!   event that says that nobody knows; and not when it is known by then that it was sent. That
//!   doubt is the draft's, as that it was sent is: another save of it is refused until who queues
//!   it was asked.
//! - **A draft is a store of its own**, begun by the device that writes it, and in no place. The
//!   message that it becomes is taken in like any other and joins what it answers by its
//!   references: a pause in writing changes no conversation, and a purge of one takes no draft.
//! - **What an action does to a store is offered, and taken, as a whole**: a batch that names the
//!   action says that all of it is there, so what of it waits for its bytes keeps the rest waiting.
//! - **`all` and `anywhere` are unions of places**, which share no conversation: two lists more
//!   cost no row more.
//! - **A snapshot has the newest rows first, and all others by id.** Trees that grow at their end
//!   take ten times the rows of trees that grow everywhere; the lists are made last, in their own
//!   order. What follows from rows (labels, roots, counts) is not in it, so that a purged thread
//!   is taken out of one chunk and nothing else changes. The rows of `threadEvents` are an index of
//!   the log that is held, and no table of the store: a device that bootstrapped has fewer.
//! - **A purge empties events, it does not take them out.** The chain covers an event's id and the
//!   hash of its arguments; a Mailbox event of a purged thread keeps that hash, its positions and
//!   its actions. So a device that joins later has the same chain and the same tables, byte for
//!   byte, and no table may say where a row lies in its file. The thread's own log goes as a whole.
//! - **Label ids come from names**, so that two devices that make a label offline make the same. A
//!   renamed label keeps its id; its old name is free for another under the next id of that name.
//! - **The index of words follows the logs by the number of their rows**, that grow in the order of
//!   commits: no table says what is not indexed, and what an older program wrote is indexed by the
//!   next. It is a file of its own, behind what is acknowledged, and any process may go on with
//!   it. A row of it is a message numbered by its date, so that the newest answers are read first
//!   and nothing is sorted; what is asked of conversations is asked of the rows as shown, so that
//!   no key, link or split changes the index. `import` returns when it has caught up, which is
//!   soon after, since it runs beside; what a process leaves behind the next goes on with.
//! - **A label's row is a fold** over its events without those of undone actions, so that all that
//!   is done to one is undone like anything else, and out of order; what a device shows
//!   (`labelsShown`) is the same fold with its own events behind. Labels with equal names are
//!   united when they are read, not in the index: two lists of one name are rare, and counted live.
//! - **A link shows when it is projected.** It changes which rows there are, not what one shows, so
//!   it is no part of the overlay: two rows become one when the backend has said so, and do not
//!   part again. Offline they stay two until then; a key goes to what its row showed.
//! - **A split is remembered by pair**, in the cells of both threads, until the pair is joined by
//!   hand or the split is undone: mail joins no two conversations between which there is one.
//! - **Nothing is purged by itself.** What has been in trash for [`limits::TRASH_KEPT`] is what
//!   `purge` takes when nothing is named; it counts from when the backend saw it there, by the
//!   backend's clock, since dates of mail and clocks of devices can be anything.
//! - **A message that is gone is a mark on it**, in the cells as well: a thread of which nothing
//!   is left to show has no label, and so is in no list and no count, with its row and watermark
//!   there. Keys reach nothing that is gone: it is not marked read meanwhile, and what a key hid
//!   comes to the inbox when such a message returns, since its row did not show it. A star goes
//!   with the message that brought it, but never against a key.
//! - **What woke is listed as if it had come then**: `lastActivity` is the newest message's date
//!   or the end of the last snooze that ran out, whichever is later. A snooze is ended by name:
//!   the end of an earlier one does nothing to a later one. What sleeps wakes in the inbox,
//!   wherever it was.
//! - **A source is followed three-way.** `sources.db` remembers what each file said last; only what
//!   it says otherwise now becomes an event, so that what the user did here stands against a source
//!   that did not change. Each change has a name that a second try repeats, and a file that is gone
//!   removes nothing. It is a cache: no import fails by it, and without it one is slower.
//! - **A format is changed at the first opening, in one transaction.** Rows that follow from a log
//!   are dropped and made again from it; logs, blobs and own events are only added to. A directory
//!   of every former format lies in `tests/fixtures` and is opened by `tests/it/formats.rs`.
//! - **A kept log and its blobs go together.** What a device of a remote backend has on disk beside
//!   its Mailbox store is counted by conversation: one order, when it was used, decides what goes,
//!   and no blob outlives what names it. A purge takes both.
//! - **A long blob lies in the parts in which it is sent**, each with a checksum: an upload is
//!   written once, and reading one part reads no other.
//! - **Accounts stand below what speaks to their servers**, since that has to know them. SMTP is a
//!   few lines of our own: each step has its deadline and each line its bound, and the cause of a
//!   failure keeps its type until it is said with its cure. A library would hide the one thing that
//!   counts: whether the dot behind a message can have left.
//! - **A message is given away by its last dot.** What fails before that was surely not taken, an
//!   answer behind it counts, and anything else is unknown: it is never tried again by itself.
//! - **`accounts.toml` is text, not state.** A table is appended or taken out, all other bytes
//!   stay; no password stands in it, only where one comes from.
//! - **A device's id begins with the name of its machine**, so that history says who it was with
//!   nothing else to keep in step; the tail makes it unique, and it never changes.

#![forbid(unsafe_code)]

pub mod account;
pub mod backend;
pub mod bridge;
pub mod cli;
pub mod clock;
pub mod command;
pub mod config;
pub mod crash;
pub mod engine;
pub mod id;
pub mod imap;
pub mod label;
pub mod limits;
pub mod mail;
pub mod mailbox;
pub mod notice;
pub mod projection;
pub mod safe_text;
pub mod search;
pub mod smtp;
pub mod store;
pub mod sync;
pub mod thread;
pub mod ui;
