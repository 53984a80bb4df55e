CREATE TABLE whorl_catalog (
	uuid VARCHAR NOT NULL,
	version INTEGER NOT NULL,
	PRIMARY KEY (uuid)
);

CREATE TABLE works (
	id SERIAL NOT NULL,
	title VARCHAR NOT NULL,
	kind VARCHAR NOT NULL,
	owner VARCHAR NOT NULL,
	PRIMARY KEY (id),
	UNIQUE (title, kind, owner)
);

CREATE TABLE identifiers (
	work_id INTEGER NOT NULL,
	scheme VARCHAR NOT NULL,
	value VARCHAR NOT NULL,
	PRIMARY KEY (work_id, scheme, value),
	FOREIGN KEY(work_id) REFERENCES works (id) ON DELETE CASCADE
);

CREATE TABLE refs (
	id SERIAL NOT NULL,
	work_id INTEGER NOT NULL,
	name VARCHAR NOT NULL,
	sha256 VARCHAR NOT NULL,
	duration DOUBLE PRECISION NOT NULL,
	added VARCHAR NOT NULL,
	PRIMARY KEY (id),
	FOREIGN KEY(work_id) REFERENCES works (id),
	UNIQUE (sha256)
);

CREATE INDEX ix_refs_work_id ON refs (work_id);

CREATE TABLE fingerprints (
	algorithm VARCHAR NOT NULL,
	ref_id INTEGER NOT NULL,
	count INTEGER NOT NULL,
	data BYTEA NOT NULL,
	PRIMARY KEY (algorithm, ref_id),
	FOREIGN KEY(ref_id) REFERENCES refs (id) ON DELETE CASCADE
);

CREATE INDEX ix_fingerprints_ref_id ON fingerprints (ref_id);
