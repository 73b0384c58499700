CREATE TABLE agency (
  code TEXT NOT NULL,
  name TEXT NOT NULL,
  is_active BOOLEAN NOT NULL,
  CONSTRAINT pk_agency PRIMARY KEY (code)
);

CREATE TABLE area (
  code TEXT NOT NULL,
  level TEXT NOT NULL,
  name TEXT NOT NULL,
  parent_code TEXT,
  lat_deg DOUBLE PRECISION NOT NULL,
  lon_deg DOUBLE PRECISION NOT NULL,
  area_km2 DOUBLE PRECISION,
  is_synthetic BOOLEAN NOT NULL,
  CONSTRAINT pk_area PRIMARY KEY (code),
  CONSTRAINT fk_area_parent_code FOREIGN KEY(parent_code) REFERENCES area (code)
);

CREATE INDEX ix_area_level_code ON area (level, code);

CREATE INDEX ix_area_parent_code ON area (parent_code);

CREATE TABLE audit (
  sequence BIGINT NOT NULL,
  at_s DOUBLE PRECISION NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  subject TEXT,
  outcome TEXT NOT NULL,
  purpose TEXT,
  area_code TEXT,
  detail TEXT NOT NULL,
  request_id TEXT,
  hash TEXT NOT NULL,
  CONSTRAINT pk_audit PRIMARY KEY (sequence)
);

CREATE INDEX ix_audit_action ON audit (action);

CREATE INDEX ix_audit_actor ON audit (actor);

CREATE INDEX ix_audit_area_code ON audit (area_code);

CREATE INDEX ix_audit_at_s ON audit (at_s);

CREATE TABLE camera (
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  search TEXT NOT NULL,
  area_code TEXT NOT NULL,
  owner_class TEXT NOT NULL,
  owner TEXT,
  agreement TEXT,
  stream_url TEXT NOT NULL,
  sub_stream_url TEXT,
  "user" TEXT,
  lat_deg DOUBLE PRECISION,
  lon_deg DOUBLE PRECISION,
  heading_deg DOUBLE PRECISION,
  field_of_view_deg DOUBLE PRECISION,
  height_m DOUBLE PRECISION,
  installed_on TEXT,
  warranty_until TEXT,
  tags TEXT NOT NULL,
  masks JSONB NOT NULL,
  is_public BOOLEAN NOT NULL,
  public_reason TEXT,
  version INTEGER NOT NULL,
  changed_at_s DOUBLE PRECISION NOT NULL,
  deleted_at_s DOUBLE PRECISION,
  CONSTRAINT pk_camera PRIMARY KEY (id)
);

CREATE INDEX ix_camera_alive_id ON camera (id) WHERE deleted_at_s IS NULL;

CREATE INDEX ix_camera_area_code_id ON camera (area_code, id);

CREATE INDEX ix_camera_lat_deg_lon_deg ON camera (lat_deg, lon_deg);

CREATE TABLE change (
  sequence BIGSERIAL NOT NULL,
  at_s DOUBLE PRECISION NOT NULL,
  topic TEXT NOT NULL,
  subject_id TEXT NOT NULL,
  area_code TEXT,
  agency TEXT,
  CONSTRAINT pk_change PRIMARY KEY (sequence)
);

CREATE INDEX ix_change_at_s ON change (at_s);

CREATE TABLE exhibit (
  event_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  path TEXT NOT NULL,
  due_at_s DOUBLE PRECISION NOT NULL,
  tries INTEGER NOT NULL,
  done_at_s DOUBLE PRECISION,
  CONSTRAINT pk_exhibit PRIMARY KEY (event_id, kind)
);

CREATE INDEX ix_exhibit_due ON exhibit (done_at_s, due_at_s);

CREATE TABLE feed_position (
  source TEXT NOT NULL,
  position BIGINT NOT NULL,
  at_s DOUBLE PRECISION NOT NULL,
  CONSTRAINT pk_feed_position PRIMARY KEY (source)
);

CREATE TABLE idempotent_answer (
  key TEXT NOT NULL,
  request_hash TEXT NOT NULL,
  at_s DOUBLE PRECISION NOT NULL,
  status INTEGER,
  media_type TEXT,
  sealed TEXT,
  CONSTRAINT pk_idempotent_answer PRIMARY KEY (key)
);

CREATE INDEX ix_idempotent_answer_at_s ON idempotent_answer (at_s);

CREATE TABLE incident (
  id TEXT NOT NULL,
  kind TEXT NOT NULL,
  severity TEXT NOT NULL,
  state TEXT NOT NULL,
  title TEXT NOT NULL,
  search TEXT NOT NULL,
  opened_at_s DOUBLE PRECISION NOT NULL,
  updated_at_s DOUBLE PRECISION NOT NULL,
  began_at_s DOUBLE PRECISION,
  version INTEGER NOT NULL,
  area_code TEXT,
  lat_deg DOUBLE PRECISION,
  lon_deg DOUBLE PRECISION,
  cell TEXT,
  zone_id TEXT,
  rule_id TEXT,
  group_key TEXT,
  agency TEXT NOT NULL,
  assignee TEXT,
  last_event_at_s DOUBLE PRECISION,
  event_count INTEGER NOT NULL,
  going_on INTEGER NOT NULL,
  camera_count INTEGER NOT NULL,
  acknowledge_by_s DOUBLE PRECISION,
  resolve_by_s DOUBLE PRECISION,
  acknowledged_at_s DOUBLE PRECISION,
  resolved_at_s DOUBLE PRECISION,
  closed_at_s DOUBLE PRECISION,
  level INTEGER NOT NULL,
  snoozed_until_s DOUBLE PRECISION,
  merged_into TEXT,
  CONSTRAINT pk_incident PRIMARY KEY (id)
);

CREATE INDEX ix_incident_acknowledge ON incident (acknowledge_by_s, state);

CREATE INDEX ix_incident_area ON incident (area_code text_pattern_ops, opened_at_s, id);

CREATE INDEX ix_incident_cell ON incident (cell, kind, state);

CREATE INDEX ix_incident_group ON incident (group_key, kind, state);

CREATE INDEX ix_incident_list ON incident (opened_at_s, id, state, kind, severity, agency, area_code, assignee, search);

CREATE INDEX ix_incident_resolve ON incident (resolve_by_s, state);

CREATE INDEX ix_incident_state ON incident (state, opened_at_s, id, kind, severity, agency, area_code);

CREATE INDEX ix_incident_verdict ON incident (state, rule_id, merged_into, area_code, agency);

CREATE TABLE kiosk (
  id TEXT NOT NULL,
  secret_hash TEXT NOT NULL,
  code_hash TEXT,
  created_at_s DOUBLE PRECISION NOT NULL,
  code_until_s DOUBLE PRECISION NOT NULL,
  name TEXT,
  area_code TEXT,
  paired_by TEXT,
  paired_at_s DOUBLE PRECISION,
  ended_at_s DOUBLE PRECISION,
  seen_at_s DOUBLE PRECISION,
  CONSTRAINT pk_kiosk PRIMARY KEY (id),
  CONSTRAINT uq_kiosk_secret_hash UNIQUE (secret_hash),
  CONSTRAINT uq_kiosk_code_hash UNIQUE (code_hash)
);

CREATE TABLE network_asset (
  id TEXT NOT NULL,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  area_code TEXT NOT NULL,
  parent_id TEXT,
  provider TEXT,
  lat_deg DOUBLE PRECISION,
  lon_deg DOUBLE PRECISION,
  version INTEGER NOT NULL,
  changed_at_s DOUBLE PRECISION NOT NULL,
  CONSTRAINT pk_network_asset PRIMARY KEY (id),
  CONSTRAINT fk_network_asset_parent_id FOREIGN KEY(parent_id) REFERENCES network_asset (id)
);

CREATE INDEX ix_network_asset_area_code ON network_asset (area_code);

CREATE INDEX ix_network_asset_parent_id ON network_asset (parent_id);

CREATE TABLE obligation (
  id TEXT NOT NULL,
  subject TEXT NOT NULL,
  name TEXT NOT NULL,
  owner TEXT NOT NULL,
  search TEXT NOT NULL,
  area_code TEXT NOT NULL,
  risk TEXT NOT NULL,
  status TEXT NOT NULL,
  address TEXT,
  lat_deg DOUBLE PRECISION,
  lon_deg DOUBLE PRECISION,
  camera_id TEXT,
  view_approved_by TEXT,
  view_approved_at_s DOUBLE PRECISION,
  letters JSONB NOT NULL,
  next_letter_on TEXT,
  note TEXT,
  version INTEGER NOT NULL,
  changed_at_s DOUBLE PRECISION NOT NULL,
  CONSTRAINT pk_obligation PRIMARY KEY (id)
);

CREATE INDEX ix_obligation_area_code_id ON obligation (area_code, id);

CREATE INDEX ix_obligation_camera_id ON obligation (camera_id);

CREATE INDEX ix_obligation_next_letter_on ON obligation (next_letter_on);

CREATE TABLE person (
  id TEXT NOT NULL,
  login TEXT NOT NULL,
  name TEXT NOT NULL,
  language TEXT NOT NULL,
  created_at_s DOUBLE PRECISION NOT NULL,
  is_disabled BOOLEAN NOT NULL,
  must_change_password BOOLEAN NOT NULL,
  last_login_at_s DOUBLE PRECISION,
  password_hash TEXT,
  totp_sealed TEXT,
  totp_step INTEGER NOT NULL,
  failures INTEGER NOT NULL,
  locked_until_s DOUBLE PRECISION NOT NULL,
  oidc_subject TEXT,
  CONSTRAINT pk_person PRIMARY KEY (id),
  CONSTRAINT uq_person_login UNIQUE (login),
  CONSTRAINT uq_person_oidc_subject UNIQUE (oidc_subject)
);

CREATE TABLE rule (
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  area_code TEXT NOT NULL,
  camera_id TEXT,
  document JSONB NOT NULL,
  author TEXT NOT NULL,
  at_s DOUBLE PRECISION NOT NULL,
  is_on BOOLEAN NOT NULL,
  deleted BOOLEAN NOT NULL,
  CONSTRAINT pk_rule PRIMARY KEY (id)
);

CREATE INDEX ix_rule_area_code_id ON rule (area_code, id);

CREATE INDEX ix_rule_camera_id ON rule (camera_id);

CREATE TABLE rule_version (
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  area_code TEXT NOT NULL,
  camera_id TEXT,
  document JSONB NOT NULL,
  author TEXT NOT NULL,
  at_s DOUBLE PRECISION NOT NULL,
  is_on BOOLEAN NOT NULL,
  deleted BOOLEAN NOT NULL,
  CONSTRAINT pk_rule_version PRIMARY KEY (id, version)
);

CREATE TABLE shard_epoch (
  shard TEXT NOT NULL,
  epoch BIGINT NOT NULL,
  CONSTRAINT pk_shard_epoch PRIMARY KEY (shard)
);

CREATE TABLE snooze (
  id TEXT NOT NULL,
  kind TEXT NOT NULL,
  camera_id TEXT,
  area_code TEXT NOT NULL,
  until_s DOUBLE PRECISION NOT NULL,
  author TEXT NOT NULL,
  reason TEXT NOT NULL,
  CONSTRAINT pk_snooze PRIMARY KEY (id)
);

CREATE INDEX ix_snooze_until_s ON snooze (until_s);

CREATE TABLE warning (
  id TEXT NOT NULL,
  sender TEXT NOT NULL,
  sent_s DOUBLE PRECISION NOT NULL,
  event TEXT NOT NULL,
  severity TEXT NOT NULL,
  urgency TEXT NOT NULL,
  certainty TEXT NOT NULL,
  headline TEXT,
  description TEXT,
  web TEXT,
  from_s DOUBLE PRECISION NOT NULL,
  until_s DOUBLE PRECISION NOT NULL,
  area_code TEXT NOT NULL,
  polygons JSON NOT NULL,
  CONSTRAINT pk_warning PRIMARY KEY (id)
);

CREATE INDEX ix_warning_when ON warning (until_s, from_s);

CREATE TABLE agency_duty (
  id TEXT NOT NULL,
  agency TEXT NOT NULL,
  user_id TEXT NOT NULL,
  from_s DOUBLE PRECISION NOT NULL,
  until_s DOUBLE PRECISION NOT NULL,
  note TEXT,
  CONSTRAINT pk_agency_duty PRIMARY KEY (id),
  CONSTRAINT fk_agency_duty_agency FOREIGN KEY(agency) REFERENCES agency (code)
);

CREATE INDEX ix_agency_duty_when ON agency_duty (agency, until_s, from_s);

CREATE TABLE agency_ownership (
  id TEXT NOT NULL,
  agency TEXT NOT NULL,
  area_code TEXT NOT NULL,
  kinds JSON NOT NULL,
  weekdays JSON NOT NULL,
  from_minute INTEGER NOT NULL,
  until_minute INTEGER NOT NULL,
  CONSTRAINT pk_agency_ownership PRIMARY KEY (id),
  CONSTRAINT fk_agency_ownership_agency FOREIGN KEY(agency) REFERENCES agency (code)
);

CREATE INDEX ix_agency_ownership_agency ON agency_ownership (agency);

CREATE TABLE announcement (
  id TEXT NOT NULL,
  incident_id TEXT NOT NULL,
  occasion TEXT NOT NULL,
  at_s DOUBLE PRECISION NOT NULL,
  agency TEXT NOT NULL,
  routed_at_s DOUBLE PRECISION,
  CONSTRAINT pk_announcement PRIMARY KEY (id),
  CONSTRAINT fk_announcement_incident_id FOREIGN KEY(incident_id) REFERENCES incident (id)
);

CREATE INDEX ix_announcement_due ON announcement (routed_at_s, at_s);

CREATE TABLE api_token (
  id TEXT NOT NULL,
  secret_hash TEXT NOT NULL,
  user_id TEXT NOT NULL,
  name TEXT NOT NULL,
  actions JSON NOT NULL,
  created_at_s DOUBLE PRECISION NOT NULL,
  expires_at_s DOUBLE PRECISION NOT NULL,
  revoked_at_s DOUBLE PRECISION,
  used_at_s DOUBLE PRECISION,
  CONSTRAINT pk_api_token PRIMARY KEY (id),
  CONSTRAINT uq_api_token_secret_hash UNIQUE (secret_hash),
  CONSTRAINT fk_api_token_user_id FOREIGN KEY(user_id) REFERENCES person (id) ON DELETE CASCADE
);

CREATE INDEX ix_api_token_user_id ON api_token (user_id);

CREATE TABLE boundary (
  area_code TEXT NOT NULL,
  geometry JSONB NOT NULL,
  is_approximate BOOLEAN NOT NULL,
  CONSTRAINT pk_boundary PRIMARY KEY (area_code),
  CONSTRAINT fk_boundary_area_code FOREIGN KEY(area_code) REFERENCES area (code)
);

CREATE TABLE camera_secret (
  camera_id TEXT NOT NULL,
  sealed TEXT NOT NULL,
  CONSTRAINT pk_camera_secret PRIMARY KEY (camera_id),
  CONSTRAINT fk_camera_secret_camera_id FOREIGN KEY(camera_id) REFERENCES camera (id)
);

CREATE TABLE camera_state (
  camera_id TEXT NOT NULL,
  condition TEXT NOT NULL,
  reason TEXT,
  since_s DOUBLE PRECISION NOT NULL,
  last_frame_at_s DOUBLE PRECISION,
  still_ref TEXT,
  measures JSONB NOT NULL,
  written_at_s DOUBLE PRECISION NOT NULL,
  CONSTRAINT pk_camera_state PRIMARY KEY (camera_id),
  CONSTRAINT fk_camera_state_camera_id FOREIGN KEY(camera_id) REFERENCES camera (id)
);

CREATE INDEX ix_camera_state_condition ON camera_state (condition);

CREATE TABLE channel (
  id TEXT NOT NULL,
  agency TEXT NOT NULL,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  settings JSON NOT NULL,
  min_severity TEXT NOT NULL,
  occasions JSON NOT NULL,
  is_active BOOLEAN NOT NULL,
  sealed_secret TEXT,
  CONSTRAINT pk_channel PRIMARY KEY (id),
  CONSTRAINT fk_channel_agency FOREIGN KEY(agency) REFERENCES agency (code)
);

CREATE INDEX ix_channel_agency ON channel (agency);

CREATE TABLE condition_span (
  camera_id TEXT NOT NULL,
  since_s DOUBLE PRECISION NOT NULL,
  until_s DOUBLE PRECISION,
  condition TEXT NOT NULL,
  reason TEXT,
  area_code TEXT NOT NULL,
  CONSTRAINT pk_condition_span PRIMARY KEY (camera_id, since_s),
  CONSTRAINT fk_condition_span_camera_id FOREIGN KEY(camera_id) REFERENCES camera (id)
);

CREATE INDEX ix_condition_span_area_code_since_s ON condition_span (area_code, since_s);

CREATE UNIQUE INDEX ix_condition_span_open ON condition_span (camera_id) WHERE until_s IS NULL;

CREATE INDEX ix_condition_span_until_s ON condition_span (until_s);

CREATE TABLE emergency_call (
  id TEXT NOT NULL,
  incident_id TEXT NOT NULL,
  at_s DOUBLE PRECISION NOT NULL,
  lat_deg DOUBLE PRECISION NOT NULL,
  lon_deg DOUBLE PRECISION NOT NULL,
  address TEXT,
  note TEXT,
  taken_by TEXT NOT NULL,
  cameras JSON NOT NULL,
  CONSTRAINT pk_emergency_call PRIMARY KEY (id),
  CONSTRAINT fk_emergency_call_incident_id FOREIGN KEY(incident_id) REFERENCES incident (id)
);

CREATE INDEX ix_emergency_call_at ON emergency_call (at_s);

CREATE INDEX ix_emergency_call_incident_id ON emergency_call (incident_id);

CREATE TABLE event (
  id TEXT NOT NULL,
  incident_id TEXT,
  camera_id TEXT NOT NULL,
  rule_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  phase TEXT NOT NULL,
  severity TEXT NOT NULL,
  started_at_s DOUBLE PRECISION NOT NULL,
  at_s DOUBLE PRECISION NOT NULL,
  ended_at_s DOUBLE PRECISION,
  value DOUBLE PRECISION NOT NULL,
  peak DOUBLE PRECISION NOT NULL,
  unit TEXT NOT NULL,
  zone_id TEXT,
  subject TEXT,
  labels JSON NOT NULL,
  box_px JSON,
  area_code TEXT,
  agency TEXT,
  CONSTRAINT pk_event PRIMARY KEY (id),
  CONSTRAINT fk_event_incident_id FOREIGN KEY(incident_id) REFERENCES incident (id)
);

CREATE INDEX ix_event_area ON event (area_code text_pattern_ops, started_at_s, id);

CREATE INDEX ix_event_camera ON event (camera_id, started_at_s, id);

CREATE INDEX ix_event_going_on ON event (kind, camera_id) WHERE phase <> 'end';

CREATE INDEX ix_event_incident ON event (incident_id, started_at_s, id);

CREATE INDEX ix_event_kind ON event (kind, started_at_s, id, area_code, agency, severity);

CREATE INDEX ix_event_list ON event (started_at_s, id, kind, area_code, agency, severity);

CREATE TABLE evidence_custody (
  number BIGSERIAL NOT NULL,
  at_s DOUBLE PRECISION NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  incident_id TEXT NOT NULL,
  item_id TEXT,
  request_id TEXT,
  details JSON NOT NULL,
  CONSTRAINT pk_evidence_custody PRIMARY KEY (number),
  CONSTRAINT fk_evidence_custody_incident_id FOREIGN KEY(incident_id) REFERENCES incident (id)
);

CREATE INDEX ix_evidence_custody_incident_id ON evidence_custody (incident_id);

CREATE TABLE evidence_item (
  id TEXT NOT NULL,
  incident_id TEXT NOT NULL,
  camera_id TEXT,
  kind TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  bytes_count BIGINT NOT NULL,
  media_type TEXT NOT NULL,
  from_s DOUBLE PRECISION NOT NULL,
  until_s DOUBLE PRECISION NOT NULL,
  stored_at_s DOUBLE PRECISION NOT NULL,
  locked_until_s DOUBLE PRECISION,
  CONSTRAINT pk_evidence_item PRIMARY KEY (id),
  CONSTRAINT fk_evidence_item_incident_id FOREIGN KEY(incident_id) REFERENCES incident (id)
);

CREATE INDEX ix_evidence_item_incident_id ON evidence_item (incident_id);

CREATE INDEX ix_evidence_item_sha256 ON evidence_item (sha256);

CREATE INDEX ix_evidence_item_stored_at_s ON evidence_item (stored_at_s);

CREATE TABLE evidence_request (
  id TEXT NOT NULL,
  incident_id TEXT NOT NULL,
  item_ids JSON NOT NULL,
  requester TEXT NOT NULL,
  purpose TEXT NOT NULL,
  reason TEXT NOT NULL,
  requested_at_s DOUBLE PRECISION NOT NULL,
  state TEXT NOT NULL,
  decided_by TEXT,
  decided_at_s DOUBLE PRECISION,
  decision TEXT,
  exported_at_s DOUBLE PRECISION,
  package_sha256 TEXT,
  CONSTRAINT pk_evidence_request PRIMARY KEY (id),
  CONSTRAINT fk_evidence_request_incident_id FOREIGN KEY(incident_id) REFERENCES incident (id)
);

CREATE INDEX ix_evidence_request_incident_id ON evidence_request (incident_id);

CREATE INDEX ix_evidence_request_state ON evidence_request (state, requested_at_s);

CREATE TABLE incident_attachment (
  id TEXT NOT NULL,
  incident_id TEXT NOT NULL,
  at_s DOUBLE PRECISION NOT NULL,
  author TEXT NOT NULL,
  name TEXT NOT NULL,
  media_type TEXT NOT NULL,
  bytes_count BIGINT NOT NULL,
  sha256 TEXT NOT NULL,
  CONSTRAINT pk_incident_attachment PRIMARY KEY (id),
  CONSTRAINT fk_incident_attachment_incident_id FOREIGN KEY(incident_id) REFERENCES incident (id)
);

CREATE INDEX ix_incident_attachment_incident_id ON incident_attachment (incident_id);

CREATE TABLE incident_camera (
  incident_id TEXT NOT NULL,
  camera_id TEXT NOT NULL,
  CONSTRAINT pk_incident_camera PRIMARY KEY (incident_id, camera_id),
  CONSTRAINT fk_incident_camera_incident_id FOREIGN KEY(incident_id) REFERENCES incident (id)
);

CREATE INDEX ix_incident_camera_camera_id ON incident_camera (camera_id, incident_id);

CREATE TABLE incident_check (
  incident_id TEXT NOT NULL,
  item TEXT NOT NULL,
  done_by TEXT NOT NULL,
  done_at_s DOUBLE PRECISION NOT NULL,
  CONSTRAINT pk_incident_check PRIMARY KEY (incident_id, item),
  CONSTRAINT fk_incident_check_incident_id FOREIGN KEY(incident_id) REFERENCES incident (id)
);

CREATE TABLE incident_comment (
  id TEXT NOT NULL,
  incident_id TEXT NOT NULL,
  at_s DOUBLE PRECISION NOT NULL,
  author TEXT NOT NULL,
  text TEXT NOT NULL,
  CONSTRAINT pk_incident_comment PRIMARY KEY (id),
  CONSTRAINT fk_incident_comment_incident_id FOREIGN KEY(incident_id) REFERENCES incident (id)
);

CREATE INDEX ix_incident_comment_incident_id ON incident_comment (incident_id);

CREATE TABLE incident_history (
  number BIGSERIAL NOT NULL,
  incident_id TEXT NOT NULL,
  at_s DOUBLE PRECISION NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  reason TEXT,
  from_state TEXT,
  to_state TEXT,
  details JSON NOT NULL,
  CONSTRAINT pk_incident_history PRIMARY KEY (number),
  CONSTRAINT fk_incident_history_incident_id FOREIGN KEY(incident_id) REFERENCES incident (id)
);

CREATE INDEX ix_incident_history_actor ON incident_history (actor, at_s);

CREATE INDEX ix_incident_history_at ON incident_history (at_s, action);

CREATE INDEX ix_incident_history_incident ON incident_history (incident_id, number);

CREATE TABLE incident_watcher (
  incident_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  since_s DOUBLE PRECISION NOT NULL,
  CONSTRAINT pk_incident_watcher PRIMARY KEY (incident_id, user_id),
  CONSTRAINT fk_incident_watcher_incident_id FOREIGN KEY(incident_id) REFERENCES incident (id)
);

CREATE TABLE login_session (
  id TEXT NOT NULL,
  secret_hash TEXT NOT NULL,
  user_id TEXT NOT NULL,
  created_at_s DOUBLE PRECISION NOT NULL,
  seen_at_s DOUBLE PRECISION NOT NULL,
  expires_at_s DOUBLE PRECISION NOT NULL,
  csrf TEXT NOT NULL,
  view_as TEXT,
  purpose TEXT,
  CONSTRAINT pk_login_session PRIMARY KEY (id),
  CONSTRAINT uq_login_session_secret_hash UNIQUE (secret_hash),
  CONSTRAINT fk_login_session_user_id FOREIGN KEY(user_id) REFERENCES person (id) ON DELETE CASCADE
);

CREATE INDEX ix_login_session_expires_at_s ON login_session (expires_at_s);

CREATE INDEX ix_login_session_user_id ON login_session (user_id);

CREATE TABLE network_asset_camera (
  camera_id TEXT NOT NULL,
  asset_id TEXT NOT NULL,
  CONSTRAINT pk_network_asset_camera PRIMARY KEY (camera_id),
  CONSTRAINT fk_network_asset_camera_camera_id FOREIGN KEY(camera_id) REFERENCES camera (id),
  CONSTRAINT fk_network_asset_camera_asset_id FOREIGN KEY(asset_id) REFERENCES network_asset (id)
);

CREATE INDEX ix_network_asset_camera_asset_id ON network_asset_camera (asset_id);

CREATE TABLE person_grant (
  id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  role TEXT NOT NULL,
  area_code TEXT NOT NULL,
  agency TEXT,
  until_s DOUBLE PRECISION,
  given_by TEXT,
  given_at_s DOUBLE PRECISION NOT NULL,
  CONSTRAINT pk_person_grant PRIMARY KEY (id),
  CONSTRAINT fk_person_grant_user_id FOREIGN KEY(user_id) REFERENCES person (id) ON DELETE CASCADE
);

CREATE INDEX ix_person_grant_user_id ON person_grant (user_id);

CREATE TABLE share_link (
  id TEXT NOT NULL,
  incident_id TEXT NOT NULL,
  token_sha256 TEXT NOT NULL,
  made_by TEXT NOT NULL,
  made_at_s DOUBLE PRECISION NOT NULL,
  until_s DOUBLE PRECISION NOT NULL,
  revoked_at_s DOUBLE PRECISION,
  opened_count INTEGER NOT NULL,
  last_opened_at_s DOUBLE PRECISION,
  CONSTRAINT pk_share_link PRIMARY KEY (id),
  CONSTRAINT fk_share_link_incident_id FOREIGN KEY(incident_id) REFERENCES incident (id),
  CONSTRAINT uq_share_link_token_sha256 UNIQUE (token_sha256)
);

CREATE INDEX ix_share_link_incident_id ON share_link (incident_id);

CREATE TABLE zone (
  camera_id TEXT NOT NULL,
  version INTEGER NOT NULL,
  to_check_since_s DOUBLE PRECISION,
  CONSTRAINT pk_zone PRIMARY KEY (camera_id),
  CONSTRAINT fk_zone_camera_id FOREIGN KEY(camera_id) REFERENCES camera (id)
);

CREATE INDEX ix_zone_to_check ON zone (camera_id) WHERE to_check_since_s IS NOT NULL;

CREATE TABLE zone_version (
  camera_id TEXT NOT NULL,
  version INTEGER NOT NULL,
  document JSONB NOT NULL,
  author TEXT NOT NULL,
  at_s DOUBLE PRECISION NOT NULL,
  CONSTRAINT pk_zone_version PRIMARY KEY (camera_id, version),
  CONSTRAINT fk_zone_version_camera_id FOREIGN KEY(camera_id) REFERENCES camera (id)
);

CREATE TABLE dispatch (
  id TEXT NOT NULL,
  incident_id TEXT NOT NULL,
  announcement_id TEXT NOT NULL,
  agency TEXT NOT NULL,
  channel_id TEXT NOT NULL,
  state TEXT NOT NULL,
  made_at_s DOUBLE PRECISION NOT NULL,
  attempts INTEGER NOT NULL,
  next_at_s DOUBLE PRECISION NOT NULL,
  message JSON NOT NULL,
  sent_at_s DOUBLE PRECISION,
  error TEXT,
  CONSTRAINT pk_dispatch PRIMARY KEY (id),
  CONSTRAINT fk_dispatch_incident_id FOREIGN KEY(incident_id) REFERENCES incident (id),
  CONSTRAINT fk_dispatch_channel_id FOREIGN KEY(channel_id) REFERENCES channel (id)
);

CREATE INDEX ix_dispatch_channel ON dispatch (channel_id, state);

CREATE INDEX ix_dispatch_due ON dispatch (state, next_at_s, id);

CREATE INDEX ix_dispatch_incident_id ON dispatch (incident_id);

CREATE INDEX ix_dispatch_list ON dispatch (agency, made_at_s, id);

create or replace function sewu_audit_refuses() returns trigger language plpgsql as $$ begin raise exception 'the audit is append-only'; end $$;

create trigger audit_no_change before update or delete on audit for each row execute function sewu_audit_refuses();

create trigger audit_no_truncate before truncate on audit for each statement execute function sewu_audit_refuses();
