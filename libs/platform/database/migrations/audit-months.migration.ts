import { Migration } from '@mikro-orm/migrations'

/**
 * The audit by months (ADR 0026). What is there already stays where it is and becomes the first partition: its rows are
 * read once, to see that they fit, and none is written. Meanwhile nobody reads or chains; acts go on, because
 * they are recorded elsewhere. A release before this one goes on chaining, by the defaults.
 */
export class AuditMonths extends Migration {
  override up(): void {
    for (const statement of STATEMENTS) this.addSql(statement)
  }
}

/** Months that are made before they begin. */
const AHEAD = 2
const THIS_MONTH = `date_trunc('month', now() at time zone 'UTC')::date`

const STATEMENTS = [
  // Where each chain begins, once what is older has left; one row for each time. The newest counts.
  `create table audit_archives (
    month date primary key,
    statement text not null,
    signature text not null
  )`,
  // Of the newest row, or before it: where to look for that one.
  `alter table audit_heads add column month date not null default '-infinity'`,

  'alter table audit_events rename to audit_events_former',
  'alter table audit_events_former rename constraint audit_events_pkey to audit_events_former_pkey',
  ...['by_time', 'of_service_account', 'of_mailbox'].map(
    (index) => `alter index audit_events_${index} rename to audit_events_former_${index}`,
  ),
  // A row lies in the month in which it got its place. A key over all partitions would have to hold the month, and keep nothing out.
  `create table audit_events (
    client_id text not null,
    sequence bigint not null,
    version smallint not null,
    month date not null default ${THIS_MONTH},
    at timestamptz(3) not null,
    act text not null,
    actor text not null,
    address text,
    request_id text,
    service_account_id text,
    mailbox text,
    subject text,
    reason text,
    details text,
    previous text not null,
    hash text not null
  ) partition by range (month)`,
  'create index audit_events_by_time on audit_events (client_id, at, sequence)',
  `create index audit_events_of_service_account on audit_events (service_account_id, sequence)
    where service_account_id is not null`,
  'create index audit_events_of_mailbox on audit_events (mailbox, act, at) where mailbox is not null',

  // With the rights of its owner: the processes need not be allowed to create tables. Attaching waits for no reader.
  `create function make_audit_months(since date) returns void
    language plpgsql security definer set search_path = public, pg_temp as $$
    declare
      first date;
      name text;
    begin
      if since > now() + interval '1 year' then raise exception '% is too far ahead', since; end if;
      for n in 0..${AHEAD} loop
        first := date_trunc('month', since::timestamp)::date + n * interval '1 month';
        name := 'audit_events_' || to_char(first, 'YYYY_MM');
        continue when to_regclass(format('public.%I', name)) is not null;
        perform pg_advisory_xact_lock(7402613);
        continue when to_regclass(format('public.%I', name)) is not null
          or exists (select from audit_archives where month >= first);
        execute format('create table %I (like audit_events including defaults, primary key (client_id, sequence))', name);
        execute format('alter table audit_events attach partition %I for values from (%L) to (%L)',
          name, first, (first + interval '1 month')::date);
      end loop;
    end $$`,

  // Whoever was let to the former table is let to what takes its place.
  `do $$
    declare
      given record;
    begin
      for given in
        select coalesce(quote_ident(r.rolname), 'public') as to_whom, string_agg(acl.privilege_type, ', ') as rights
        from pg_class c cross join lateral aclexplode(c.relacl) acl left join pg_roles r on r.oid = acl.grantee
        where c.oid = 'audit_events_former'::regclass and acl.grantee <> c.relowner group by 1
      loop
        execute format('grant %s on audit_events, audit_archives to %s', given.rights, given.to_whom);
      end loop;
    end $$`,

  `do $$
    declare
      now_in date := ${THIS_MONTH};
      name text := 'audit_events_' || to_char(now_in, 'YYYY_MM');
    begin
      if not exists (select from audit_events_former) then
        drop table audit_events_former;
      else
        execute format('alter table audit_events_former add column month date not null default %L', now_in);
        alter table audit_events_former alter column month drop default;
        execute format('alter table audit_events_former rename to %I', name);
        execute format('alter table audit_events attach partition %I for values from (minvalue) to (%L)',
          name, (now_in + interval '1 month')::date);
      end if;
    end $$`,
]
