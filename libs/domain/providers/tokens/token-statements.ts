import { defineStatement } from '#platform/database/statement.js'

/**
 * Every time in these statements is the database's own, and goes in and out as milliseconds from now: processes whose
 * clocks disagree still agree on whose claim has run out, and on when the next call may go.
 */
const ms = (value: string) => `${value} * interval '1 millisecond'`
const msUntil = (time: string) => `(extract(epoch from ${time} - now()) * 1000)::float8`

/** For each lane of `demand`: as many places in a row as are free soon enough, at the rate that it has risen to by now. */
const lease = (longestWait: string, regained: string) =>
  `insert into provider_budgets as b (lane, rate, rising_since, leased_from, places, spacing, free_at)
     select lane, most, now(), now(), places, interval '1 second' / most, now() + places * (interval '1 second' / most)
     from demand order by lane
     on conflict (lane) do update set (leased_from, spacing, places, free_at) = (
       select start, pace, fit, start + fit * pace
       from (
         select greatest(b.free_at, now()) as start,
           interval '1 second' / least(excluded.rate,
             b.rate + excluded.rate * ${regained} * greatest(0, extract(epoch from now() - b.rising_since))) as pace
       ) p, lateral (
         select least(excluded.places, greatest(0, 1 + floor(
           extract(epoch from now() + ${ms(longestWait)} - start) / extract(epoch from pace))))::int as fit
       ) f
     )`

/** Values: lane, calls a second allowed at most in it, longest wait for a place, part of the most that it regains in a second. */
export const TAKE_PLACE = defineStatement<{ wait_ms: number | null; free_ms: number; spacing_ms: number }>(
  'take-place-in-provider-budget',
  `with demand as (
     select $1::text as lane, $2::float8 as most, 1 as places
   ), leased as (
     ${lease('$3::float8', '$4::float8')}
     returning leased_from, places, spacing, free_at
   )
   select case when places > 0 then ${msUntil('leased_from')} end as wait_ms, ${msUntil('free_at')} as free_ms,
     (extract(epoch from spacing) * 1000)::float8 as spacing_ms
   from leased`,
)

export interface ClaimAnswer {
  /** Of a token that may be used. */
  sealed_token: string | null
  token_fence: string | null
  usable_ms: number | null
  renew_ms: number | null
  /** It is this caller's to mint, after `wait_ms`. */
  fence: string | null
  wait_ms: number | null
  /** The budget's next free place, where it had none for this one. */
  free_ms: number | null
  spacing_ms: number | null
}

/**
 * For each token wanted: the one that is kept, or the claim to mint it, or neither (somebody else is minting it, or the
 * budget has no place soon enough). One row per wanted token, in their order.
 *
 * A claim comes with its place in its lane of the budget: the lane's row says when its next call may go, and each claim
 * moves that on by one spacing. So calls of all processes are spaced, and none asks for leave on its own.
 *
 * A plan made on an empty table must not become a scan: hence `lateral … limit 1`, and `on conflict` instead of joins.
 * Values: ids, lanes, calls a second allowed at most in each lane, longest wait for a place, claim's length after its
 * place, life of a row, part of the most that a lane regains in a second.
 */
export const CLAIM_TOKENS = defineStatement<ClaimAnswer>(
  'claim-provider-tokens',
  `with wanted as (
     select * from unnest($1::text[], $2::text[], $3::float8[]) with ordinality as w (id, lane, most, n)
   ), seen as materialized (
     select w.*, t.token_fence, t.sealed_token, t.renew_at, t.usable_until, t.claimed_until,
       coalesce(t.usable_until > now(), false) as usable
     from wanted w left join lateral (select * from provider_tokens p where p.id = w.id limit 1) t on true
   ), due as (
     select n, id, lane, most, row_number() over (partition by lane order by n) as place
     from (
       select distinct on (id) * from seen
       where coalesce(claimed_until <= now(), true) and (not usable or renew_at <= now())
       order by id, n
     ) first
   ), demand as (
     select lane, most, least(count(*), 1 + floor(most * $4::float8 / 1000))::int as places
     from due group by lane, most
   ), leased as (
     ${lease('$4::float8', '$7::float8')}
     returning lane, leased_from, places, spacing, free_at
   ), claimed as (
     insert into provider_tokens as t (id, fence, claimed_until, kept_until)
     select d.id, nextval('provider_token_fences'),
       greatest(l.leased_from, now()) + (d.place - 1) * l.spacing + ${ms('$5::float8')}, now() + ${ms('$6::float8')}
     from due d join leased l using (lane) where d.place <= l.places
     order by d.id
     on conflict (id) do update
       set fence = excluded.fence, claimed_until = excluded.claimed_until, kept_until = excluded.kept_until
       where coalesce(t.claimed_until <= now(), true) and coalesce(t.renew_at <= now(), true)
     returning id, fence
   )
   select case when s.usable then s.sealed_token end as sealed_token, s.token_fence::text,
     ${msUntil('s.usable_until')} as usable_ms, ${msUntil('s.renew_at')} as renew_ms, c.fence::text,
     ${msUntil('l.leased_from + (d.place - 1) * l.spacing')} as wait_ms,
     case when d.place > l.places then ${msUntil('l.free_at')} end as free_ms,
     (extract(epoch from l.spacing) * 1000)::float8 as spacing_ms
   from seen s
   left join due d on d.n = s.n
   left join leased l on l.lane = d.lane
   left join claimed c on c.id = d.id
   order by s.n`,
)

/**
 * Ends claims: with a token, or without one where the provider gave none. True for those that were still the caller's.
 * A row that is gone is written anew: the table is not logged, and empty after the database has crashed.
 * Values: ids, fences, sealed tokens, milliseconds until they are to be renewed, and until they are spent; life of a row.
 */
export const SETTLE_CLAIMS = defineStatement<{ settled: boolean }>(
  'settle-provider-token-claims',
  `with ended as (
     select * from unnest($1::text[], $2::bigint[], $3::text[], $4::float8[], $5::float8[])
       with ordinality as e (id, fence, sealed_token, renew_ms, usable_ms, n)
   ), settled as (
     insert into provider_tokens as t (id, fence, token_fence, sealed_token, renew_at, usable_until, kept_until)
     select distinct on (id) id, fence, case when sealed_token is not null then fence end, sealed_token,
       now() + ${ms('renew_ms')}, now() + ${ms('usable_ms')}, now() + ${ms('$6::float8')}
     from ended order by id, fence desc
     on conflict (id) do update set claimed_until = null,
       token_fence = coalesce(excluded.token_fence, t.token_fence),
       sealed_token = coalesce(excluded.sealed_token, t.sealed_token),
       renew_at = coalesce(excluded.renew_at, t.renew_at),
       usable_until = coalesce(excluded.usable_until, t.usable_until)
     where t.fence = excluded.fence
     returning id, fence
   )
   select s.id is not null as settled from ended e left join settled s using (id, fence) order by e.n`,
)

/**
 * Only this very token. The second in a row that was never accepted still goes at once; after it, one every so often.
 * Values: id, fence of the token, whether the provider had ever accepted it, so often in milliseconds.
 */
export const DROP_TOKEN = defineStatement(
  'drop-provider-token',
  `update provider_tokens
   set token_fence = null, sealed_token = null, renew_at = null, usable_until = null, dropped_at = now(),
     drops = case when $3 then 1 else drops + 1 end
   where id = $1 and token_fence = $2 and ($3 or drops < 2 or dropped_at <= now() - ${ms('$4::float8')})`,
)

/**
 * Halves these lanes, unless that was done less than so long ago, and closes them for a while.
 * Values: lanes, calls a second allowed at most in each, so long in milliseconds, milliseconds to stay closed, part of the
 * most that a lane regains in a second, the least.
 */
export const SLOW_DOWN = defineStatement(
  'slow-down-provider-budget',
  `insert into provider_budgets as b
     (lane, rate, rising_since, leased_from, places, spacing, free_at, slowed_at)
   select lane, most / 2, now() + ${ms('$4::float8')}, now(), 0, interval '1 second' / most, now() + ${ms('$4::float8')}, now()
   from unnest($1::text[], $2::float8[]) as l (lane, most) order by lane
   on conflict (lane) do update set
     rate = case
       when b.slowed_at > now() - ${ms('$3::float8')} then b.rate
       else greatest($6::float8, least(excluded.rate * 2,
         b.rate + excluded.rate * 2 * $5::float8 * greatest(0, extract(epoch from now() - b.rising_since))) / 2)
     end,
     slowed_at = case when b.slowed_at > now() - ${ms('$3::float8')} then b.slowed_at else now() end,
     rising_since = greatest(b.rising_since, excluded.rising_since),
     free_at = greatest(b.free_at, excluded.free_at)`,
)

/** Values: rows at most. */
export const SWEEP_TOKENS = defineStatement<{ id: string }>(
  'sweep-provider-tokens',
  `delete from provider_tokens where id = any(array(
     select id from provider_tokens where kept_until <= now() order by kept_until limit $1 for update skip locked
   )) returning id`,
)

/**
 * A lane that nobody has asked for a while says nothing: it would begin again where it stands, at the most it may have.
 * Values: how long it was left alone in milliseconds, longer than the rate takes to rise; rows at most.
 */
export const SWEEP_BUDGETS = defineStatement<{ lane: string }>(
  'sweep-provider-budgets',
  `delete from provider_budgets where lane = any(array(
     select lane from provider_budgets where greatest(free_at, rising_since) <= now() - ${ms('$1::float8')}
     limit $2 for update skip locked
   )) returning lane`,
)
