// What the page knows of the calls, and how each message changes it: pure, so that nothing is shown twice or lost.
import type { Call, CallPage, Draft, LiveRecord, LiveWords, Order, Utterance, Word } from './types'

/** Words being said: they follow on all that is final before `heardUntil` (seconds of call time). */
export interface Partial {
  text: string
  heardUntil: number
}

export interface Desk {
  /** The newest ledger row known here; whatever comes after it is missing. */
  seq: number
  calls: Map<string, Call>
  /** Words being said now, by call and speaker. */
  partials: Map<string, Map<string, Partial>>
  /** The call whose page is open. */
  story: CallPage | null
  /** The last records, for a page that was asked for before they came and arrived after. */
  recent: LiveRecord[]
  /** There are older calls than those known. */
  more: boolean
}

const RECENT = 500
const MOST_PAST = 400

export function emptyDesk(): Desk {
  return { seq: 0, calls: new Map(), partials: new Map(), story: null, recent: [], more: false }
}

export function isOpen(call: Call): boolean {
  return call.state === 'answered' || call.state === 'connected'
}

export function isUrgent(call: Call): boolean {
  return call.urgent === true
}

/** What may be urgent: a person has to decide. */
export function isInDoubt(call: Call): boolean {
  return call.doubt && !isUrgent(call)
}

/** Newest first. */
export function inOrder(calls: Iterable<Call>): Call[] {
  return [...calls].sort(
    (a, b) => b.answered_at.localeCompare(a.answered_at) || b.call_id.localeCompare(a.call_id),
  )
}

/** A ledger row. One that is known already changes nothing. */
export function takeRecord(desk: Desk, record: LiveRecord): void {
  if (record.seq <= desk.seq) return
  desk.seq = record.seq
  desk.recent.push(record)
  if (desk.recent.length > RECENT) desk.recent.splice(0, desk.recent.length - RECENT)
  desk.calls.set(record.call.call_id, record.call)
  if (record.utterance) settlePartial(desk, record.call.call_id, record.utterance)
  if (!isOpen(record.call)) desk.partials.delete(record.call.call_id)
  if (desk.story) tell(desk.story, record)
  forgetOldest(desk)
}

/** A page that is open for a shift sees thousands of calls; the oldest can be asked for again. */
function forgetOldest(desk: Desk): void {
  if (desk.calls.size <= 2 * MOST_PAST) return
  const past = inOrder([...desk.calls.values()].filter((call) => !isOpen(call)))
  for (const call of past.slice(MOST_PAST)) desk.calls.delete(call.call_id)
  desk.more = true
}

/** Words being said; without text they are taken back. */
export function takeWords(desk: Desk, words: LiveWords): void {
  const call = desk.calls.get(words.call_id)
  if (!call || !isOpen(call)) return
  const said = desk.partials.get(words.call_id) ?? new Map<string, Partial>()
  if (words.text && words.heard_until >= heardUntil(desk, words)) {
    said.set(words.speaker, { text: words.text, heardUntil: words.heard_until })
  } else {
    said.delete(words.speaker)
  }
  desk.partials.set(words.call_id, said)
}

/** The page of a call has arrived: what happened since it was written is added. */
export function takePage(desk: Desk, page: CallPage): void {
  desk.story = page
  for (const record of desk.recent) tell(page, record)
}

/** Calls as of ledger row `seq`, beside those known. */
export function takeList(desk: Desk, calls: Call[], seq: number): void {
  for (const call of calls) desk.calls.set(call.call_id, call)
  for (const record of desk.recent) {
    if (record.seq > seq) desk.calls.set(record.call.call_id, record.call)
  }
}

/** The words of an utterance as they are shown: several that one figure stands for are one word. */
export function shownWords({ words, text, written, start, end, confidence }: Utterance): Word[] {
  if (!words.length) return [{ text, written, start, end, confidence }]
  const shown: Word[] = []
  for (const word of words) {
    const before = shown.at(-1)
    if (word.written || !before) {
      shown.push({ ...word })
    } else {
      before.text += word.text
      before.end = word.end
      before.confidence = Math.min(before.confidence, word.confidence)
    }
  }
  return shown
}

function inTime(utterances: Utterance[]): void {
  utterances.sort((a, b) => a.start - b.start || a.id - b.id)
}

function tell(story: CallPage, record: LiveRecord): void {
  if (record.call.call_id !== story.call.call_id || record.seq <= story.seq) return
  story.seq = record.seq
  story.call = record.call
  story.timeline.push({ seq: record.seq, at: record.at, kind: record.kind })
  const said = record.utterance
  if (said && !story.utterances.some((one) => one.id === said.id)) {
    story.utterances.push(said)
    inTime(story.utterances)
  }
  if (record.draft) drawUp(story, record.draft)
  if (record.recording) story.recording = record.recording
}

/** The draft as an edit has left it, which the page is told before it hears of its row. */
export function takeDraft(desk: Desk, callId: string, draft: Draft): void {
  if (desk.story?.call.call_id === callId) drawUp(desk.story, draft)
}

/** The order that a draft has become. */
export function takeOrder(desk: Desk, callId: string, order: Order): void {
  if (desk.story?.call.call_id === callId && desk.story.draft) desk.story.draft.order = order
}

/** Answers and records come by two ways: the newer wins, and an order stays one. */
function drawUp(story: CallPage, draft: Draft): void {
  const before = story.draft
  if (before && draft.seq < before.seq) return
  story.draft = { ...draft, order: draft.order ?? before?.order ?? null }
}

/** The words being said have become final, unless they belong to what is said after it. */
function settlePartial(desk: Desk, callId: string, final: Utterance): void {
  const said = desk.partials.get(callId)
  const partial = said?.get(final.speaker)
  if (partial && partial.heardUntil < final.end) said?.delete(final.speaker)
}

/** Up to where this speaker's words are final, as far as the page shows. */
function heardUntil(desk: Desk, words: LiveWords): number {
  if (desk.story?.call.call_id !== words.call_id) return 0
  const own = desk.story.utterances.filter((one) => one.speaker === words.speaker && one.source === 'live')
  // a final's heard_until is at or after its end, but never far before the next word
  return Math.max(0, ...own.map((one) => one.end)) - 0.05
}
