CREATE TABLE audit (
	id INTEGER NOT NULL,
	at VARCHAR NOT NULL,
	request VARCHAR NOT NULL,
	actor VARCHAR NOT NULL,
	org_id INTEGER,
	action VARCHAR NOT NULL,
	object VARCHAR NOT NULL,
	detail JSON NOT NULL,
	PRIMARY KEY (id)
);

CREATE INDEX ix_audit_at ON audit (at);

CREATE INDEX ix_audit_org_id ON audit (org_id);

CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;

CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;

CREATE TABLE idempotency (
	org_id INTEGER NOT NULL,
	"key" VARCHAR NOT NULL,
	request_sha256 VARCHAR NOT NULL,
	status INTEGER,
	response JSON,
	created VARCHAR NOT NULL,
	PRIMARY KEY (org_id, "key")
);

CREATE TABLE orgs (
	id INTEGER NOT NULL,
	name VARCHAR NOT NULL,
	created VARCHAR NOT NULL,
	PRIMARY KEY (id),
	UNIQUE (name)
);

CREATE TABLE watchers (
	name VARCHAR NOT NULL,
	beat INTEGER NOT NULL,
	PRIMARY KEY (name)
);

CREATE TABLE whorl_service (
	version INTEGER NOT NULL,
	PRIMARY KEY (version)
);

CREATE TABLE cases (
	id VARCHAR NOT NULL,
	org_id INTEGER NOT NULL,
	name VARCHAR NOT NULL,
	created VARCHAR NOT NULL,
	closed VARCHAR,
	PRIMARY KEY (id),
	FOREIGN KEY(org_id) REFERENCES orgs (id)
);

CREATE INDEX ix_cases_org_id ON cases (org_id);

CREATE TABLE claims (
	ref_id INTEGER NOT NULL,
	org_id INTEGER NOT NULL,
	work_id INTEGER NOT NULL,
	name VARCHAR NOT NULL,
	since VARCHAR NOT NULL,
	PRIMARY KEY (ref_id, org_id),
	FOREIGN KEY(ref_id) REFERENCES refs (id) ON DELETE CASCADE,
	FOREIGN KEY(org_id) REFERENCES orgs (id),
	FOREIGN KEY(work_id) REFERENCES works (id) ON DELETE CASCADE
);

CREATE INDEX ix_claims_org_id ON claims (org_id);

CREATE INDEX ix_claims_work_id ON claims (work_id);

CREATE TABLE holdings (
	work_id INTEGER NOT NULL,
	org_id INTEGER NOT NULL,
	since VARCHAR NOT NULL,
	PRIMARY KEY (work_id, org_id),
	FOREIGN KEY(work_id) REFERENCES works (id) ON DELETE CASCADE,
	FOREIGN KEY(org_id) REFERENCES orgs (id)
);

CREATE INDEX ix_holdings_org_id ON holdings (org_id);

CREATE TABLE licences (
	id INTEGER NOT NULL,
	work_id INTEGER NOT NULL,
	org_id INTEGER NOT NULL,
	territory VARCHAR,
	place VARCHAR,
	starts VARCHAR,
	ends VARCHAR,
	PRIMARY KEY (id),
	FOREIGN KEY(work_id) REFERENCES works (id) ON DELETE CASCADE,
	FOREIGN KEY(org_id) REFERENCES orgs (id)
);

CREATE INDEX ix_licences_org_id ON licences (org_id);

CREATE INDEX ix_licences_work_id ON licences (work_id);

CREATE TABLE lives (
	id VARCHAR NOT NULL,
	org_id INTEGER NOT NULL,
	actor VARCHAR NOT NULL,
	url VARCHAR,
	about JSON NOT NULL,
	state VARCHAR NOT NULL,
	keep BOOLEAN,
	error JSON,
	number INTEGER,
	sequence INTEGER NOT NULL,
	duration DOUBLE NOT NULL,
	ref_id INTEGER,
	created VARCHAR NOT NULL,
	ended VARCHAR,
	watcher VARCHAR,
	turn INTEGER NOT NULL,
	PRIMARY KEY (id),
	FOREIGN KEY(org_id) REFERENCES orgs (id),
	UNIQUE (number)
);

CREATE INDEX ix_lives_created ON lives (created);

CREATE INDEX ix_lives_org_id ON lives (org_id);

CREATE INDEX ix_lives_state ON lives (state);

CREATE INDEX ix_lives_watcher ON lives (watcher);

CREATE TABLE overlaps (
	id INTEGER NOT NULL,
	ref_id INTEGER NOT NULL,
	org_id INTEGER NOT NULL,
	other_ref_id INTEGER NOT NULL,
	other_org_id INTEGER NOT NULL,
	segments JSON NOT NULL,
	owner_org_id INTEGER,
	resolved VARCHAR,
	found VARCHAR NOT NULL,
	PRIMARY KEY (id),
	FOREIGN KEY(ref_id) REFERENCES refs (id) ON DELETE CASCADE,
	FOREIGN KEY(org_id) REFERENCES orgs (id),
	FOREIGN KEY(other_ref_id) REFERENCES refs (id) ON DELETE CASCADE,
	FOREIGN KEY(other_org_id) REFERENCES orgs (id)
);

CREATE TABLE people (
	id INTEGER NOT NULL,
	org_id INTEGER NOT NULL,
	name VARCHAR NOT NULL,
	email VARCHAR NOT NULL,
	role VARCHAR NOT NULL,
	subject VARCHAR,
	active BOOLEAN NOT NULL,
	created VARCHAR NOT NULL,
	PRIMARY KEY (id),
	FOREIGN KEY(org_id) REFERENCES orgs (id),
	UNIQUE (email),
	UNIQUE (subject)
);

CREATE INDEX ix_people_org_id ON people (org_id);

CREATE TABLE uploads (
	id VARCHAR NOT NULL,
	org_id INTEGER NOT NULL,
	actor VARCHAR NOT NULL,
	name VARCHAR NOT NULL,
	length BIGINT NOT NULL,
	received BIGINT NOT NULL,
	sha256 VARCHAR,
	created VARCHAR NOT NULL,
	touched VARCHAR NOT NULL,
	PRIMARY KEY (id),
	FOREIGN KEY(org_id) REFERENCES orgs (id)
);

CREATE INDEX ix_uploads_org_id ON uploads (org_id);

CREATE TABLE webhooks (
	id VARCHAR NOT NULL,
	org_id INTEGER NOT NULL,
	actor VARCHAR NOT NULL,
	role VARCHAR NOT NULL,
	label VARCHAR NOT NULL,
	url VARCHAR NOT NULL,
	secret VARCHAR NOT NULL,
	events JSON NOT NULL,
	active BOOLEAN NOT NULL,
	error JSON,
	created VARCHAR NOT NULL,
	PRIMARY KEY (id),
	FOREIGN KEY(org_id) REFERENCES orgs (id)
);

CREATE INDEX ix_webhooks_org_id ON webhooks (org_id);

CREATE TABLE answers (
	id VARCHAR NOT NULL,
	org_id INTEGER NOT NULL,
	case_id VARCHAR,
	name VARCHAR NOT NULL,
	sha256 VARCHAR NOT NULL,
	status VARCHAR NOT NULL,
	answer JSON NOT NULL,
	captured JSON NOT NULL,
	created VARCHAR NOT NULL,
	PRIMARY KEY (id),
	FOREIGN KEY(org_id) REFERENCES orgs (id),
	FOREIGN KEY(case_id) REFERENCES cases (id)
);

CREATE INDEX ix_answers_created ON answers (created);

CREATE INDEX ix_answers_org_id ON answers (org_id);

CREATE INDEX ix_answers_sha256 ON answers (sha256);

CREATE INDEX ix_answers_status ON answers (status);

CREATE TABLE deliveries (
	seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
	id VARCHAR NOT NULL,
	webhook_id VARCHAR NOT NULL,
	event VARCHAR NOT NULL,
	body VARCHAR NOT NULL,
	state VARCHAR NOT NULL,
	attempts INTEGER NOT NULL,
	next_at VARCHAR NOT NULL,
	created VARCHAR NOT NULL,
	ended VARCHAR,
	status INTEGER,
	error JSON,
	UNIQUE (id),
	FOREIGN KEY(webhook_id) REFERENCES webhooks (id) ON DELETE CASCADE
);

CREATE INDEX ix_deliveries_outbox ON deliveries (state, webhook_id, seq);

CREATE TABLE jobs (
	id VARCHAR NOT NULL,
	org_id INTEGER NOT NULL,
	actor VARCHAR NOT NULL,
	kind VARCHAR NOT NULL,
	state VARCHAR NOT NULL,
	priority INTEGER NOT NULL,
	progress DOUBLE NOT NULL,
	run INTEGER NOT NULL,
	attempts INTEGER NOT NULL,
	version INTEGER NOT NULL,
	input JSON NOT NULL,
	error JSON,
	case_id VARCHAR,
	upload_id VARCHAR,
	answer_id VARCHAR,
	ref_id INTEGER,
	created VARCHAR NOT NULL,
	started VARCHAR,
	ended VARCHAR,
	PRIMARY KEY (id),
	FOREIGN KEY(org_id) REFERENCES orgs (id),
	FOREIGN KEY(case_id) REFERENCES cases (id)
);

CREATE INDEX ix_jobs_created ON jobs (created);

CREATE INDEX ix_jobs_org_id ON jobs (org_id);

CREATE INDEX ix_jobs_state ON jobs (state);

CREATE TABLE keys (
	id VARCHAR NOT NULL,
	org_id INTEGER NOT NULL,
	person_id INTEGER,
	label VARCHAR NOT NULL,
	role VARCHAR NOT NULL,
	scopes JSON NOT NULL,
	secret_sha256 VARCHAR NOT NULL,
	created VARCHAR NOT NULL,
	expires VARCHAR,
	revoked VARCHAR,
	used VARCHAR,
	PRIMARY KEY (id),
	FOREIGN KEY(org_id) REFERENCES orgs (id),
	FOREIGN KEY(person_id) REFERENCES people (id)
);

CREATE INDEX ix_keys_org_id ON keys (org_id);

CREATE TABLE streams (
	id VARCHAR NOT NULL,
	org_id INTEGER NOT NULL,
	actor VARCHAR NOT NULL,
	url VARCHAR NOT NULL,
	label VARCHAR NOT NULL,
	captured JSON NOT NULL,
	case_id VARCHAR,
	state VARCHAR NOT NULL,
	version INTEGER NOT NULL,
	error JSON,
	load INTEGER NOT NULL,
	showing JSON NOT NULL,
	position JSON,
	stream_time DOUBLE NOT NULL,
	created VARCHAR NOT NULL,
	started VARCHAR,
	ended VARCHAR,
	seen VARCHAR,
	watcher VARCHAR,
	turn INTEGER NOT NULL,
	PRIMARY KEY (id),
	FOREIGN KEY(org_id) REFERENCES orgs (id),
	FOREIGN KEY(case_id) REFERENCES cases (id)
);

CREATE INDEX ix_streams_created ON streams (created);

CREATE INDEX ix_streams_org_id ON streams (org_id);

CREATE INDEX ix_streams_state ON streams (state);

CREATE INDEX ix_streams_watcher ON streams (watcher);

CREATE TABLE airings (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
	stream_id VARCHAR NOT NULL,
	number INTEGER NOT NULL,
	ref_id INTEGER NOT NULL,
	event JSON NOT NULL,
	began VARCHAR NOT NULL,
	until VARCHAR NOT NULL,
	over BOOLEAN NOT NULL,
	seen VARCHAR,
	UNIQUE (stream_id, number),
	FOREIGN KEY(stream_id) REFERENCES streams (id) ON DELETE CASCADE
);

CREATE INDEX ix_airings_ref_id ON airings (ref_id);

CREATE TABLE findings (
	answer_id VARCHAR NOT NULL,
	ref_id INTEGER NOT NULL,
	PRIMARY KEY (answer_id, ref_id),
	FOREIGN KEY(answer_id) REFERENCES answers (id) ON DELETE CASCADE
);

CREATE INDEX ix_findings_ref_id ON findings (ref_id);

CREATE TABLE sessions (
	id_sha256 VARCHAR NOT NULL,
	person_id INTEGER,
	key_id VARCHAR,
	csrf VARCHAR NOT NULL,
	created VARCHAR NOT NULL,
	expires VARCHAR NOT NULL,
	PRIMARY KEY (id_sha256),
	FOREIGN KEY(person_id) REFERENCES people (id),
	FOREIGN KEY(key_id) REFERENCES keys (id)
);

CREATE TABLE stream_events (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
	stream_id VARCHAR NOT NULL,
	name VARCHAR,
	ref_id INTEGER,
	event JSON NOT NULL,
	at VARCHAR NOT NULL,
	UNIQUE (stream_id, name),
	FOREIGN KEY(stream_id) REFERENCES streams (id) ON DELETE CASCADE
);

CREATE INDEX ix_stream_events_ref_id ON stream_events (ref_id);

CREATE INDEX ix_stream_events_stream_id ON stream_events (stream_id);

CREATE TABLE verdicts (
	id INTEGER NOT NULL,
	answer_id VARCHAR NOT NULL,
	ref_id INTEGER NOT NULL,
	verdict VARCHAR NOT NULL,
	note VARCHAR NOT NULL,
	actor VARCHAR NOT NULL,
	at VARCHAR NOT NULL,
	PRIMARY KEY (id),
	FOREIGN KEY(answer_id) REFERENCES answers (id)
);

CREATE INDEX ix_verdicts_answer_id ON verdicts (answer_id);
