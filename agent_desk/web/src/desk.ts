// The desk's one state: loaded once, then kept true by what comes over the WebSocket.
import { computed, reactive, ref } from 'vue'
import { api, must, said } from './api/client'
import { shanghaiDay } from './format'
import { Live } from './live'
import { serverSays } from './now'
import {
  emptyDesk, inOrder, isInDoubt, isOpen, isUrgent, takeDraft, takeList, takeOrder, takePage, takeRecord, takeWords,
} from './story'
import type { Call, Choices, LiveMessage, Value } from './types'

const PAGE = 50
const AGAIN_MS = 2_000

export const desk = reactive(emptyDesk())
export const filter = reactive<{ urgent: boolean; day: string | null }>({ urgent: false, day: null })
export const loading = reactive({ list: false, story: false, more: false })
/** What went wrong with the list, and with the page of the call that was asked for. */
export const trouble = reactive({ list: '', story: '' })

export const openCalls = computed(() => inOrder([...desk.calls.values()].filter(isOpen)))
export const pastCalls = computed(() => inOrder([...desk.calls.values()].filter((call) => !isOpen(call) && fits(call))))

/** The call whose page is asked for: its words and draft are told over the WebSocket. */
const watched = ref<string | null>(null)
let live: Live | null = null
/** Raised whenever answers that are still on their way are to be forgotten. */
let generation = 0

function fits(call: Call): boolean {
  if (filter.urgent && !isUrgent(call) && !isInDoubt(call)) return false
  return filter.day === null || shanghaiDay(call.answered_at) === filter.day
}

/** Load what there is and listen from there on. */
export async function begin(turnedAway: () => void): Promise<void> {
  const mine = ++generation
  await loadLists()
  if (mine !== generation || live) return
  live = new Live({ seq: () => desk.seq, watching: () => watched.value, take, turnedAway })
}

export function end(): void {
  generation++
  live?.end()
  live = null
  watched.value = null
  Object.assign(desk, emptyDesk())
  Object.assign(filter, { urgent: false, day: null })
  Object.assign(trouble, { list: '', story: '' })
}

function take(message: LiveMessage): void {
  switch (message.type) {
    case 'record':
      takeRecord(desk, message)
      break
    case 'words':
      takeWords(desk, message)
      break
    case 'tick':
      // records come in order on one connection: up to here nothing is missing
      desk.seq = Math.max(desk.seq, message.seq)
      serverSays(message.at)
      break
    case 'reset':
      void loadAnew(message.seq)
      break
    case 'ready':
      // words that were being said before the connection broke may have been taken back since
      desk.partials.clear()
      if (watched.value && !desk.story && !loading.story) void openCall(watched.value)
      break
  }
}

/** Everything again: too much was missed to be told row by row. */
async function loadAnew(seq: number): Promise<void> {
  desk.seq = seq
  desk.recent = []
  if (watched.value) void openCall(watched.value)
  await loadLists()
}

/** Both lists; asked again until they come, unless somebody asks for something else. */
async function loadLists(): Promise<void> {
  const mine = ++listing
  const lasting = generation
  loading.list = true
  while (mine === listing && lasting === generation) {
    try {
      const [open, past] = await Promise.all([
        must(api.GET('/api/calls', { params: { query: { state: 'open', limit: 200 } } })),
        must(api.GET('/api/calls', { params: { query: { ...pastQuery(), limit: PAGE } } })),
      ])
      if (mine !== listing || lasting !== generation) return
      desk.calls = new Map()
      takeList(desk, past.calls, past.seq)
      takeList(desk, open.calls, open.seq)
      desk.more = past.more
      // later, the socket alone moves it: what a list knows beyond it is told there once more
      if (desk.seq === 0) desk.seq = Math.min(open.seq, past.seq)
      trouble.list = ''
      loading.list = false
      return
    } catch (error) {
      trouble.list = said(error)
      await new Promise((over) => window.setTimeout(over, AGAIN_MS))
    }
  }
}
let listing = 0

function pastQuery() {
  return { state: 'past' as const, urgent: filter.urgent || undefined, day: filter.day ?? undefined }
}

/** Another condition: past calls are asked for anew. */
export async function choose(condition: Partial<typeof filter>): Promise<void> {
  Object.assign(filter, condition)
  await loadLists()
}

export async function loadMore(): Promise<void> {
  const last = pastCalls.value.at(-1)
  if (!last || loading.more) return
  const mine = listing
  loading.more = true
  try {
    const query = { ...pastQuery(), limit: PAGE, before: last.call_id }
    const older = await must(api.GET('/api/calls', { params: { query } }))
    if (mine !== listing) return
    takeList(desk, older.calls, older.seq)
    desk.more = older.more
  } catch (error) {
    trouble.list = said(error)
  } finally {
    loading.more = false
  }
}

/** Show one call; what happens in it from now on is added as it happens. */
export async function openCall(callId: string): Promise<void> {
  const lasting = generation
  if (watched.value !== callId) {
    watched.value = callId
    desk.partials.clear()
    live?.again() // before the page is asked for, so that nothing falls between the two
  }
  if (desk.story?.call.call_id !== callId) desk.story = null
  loading.story = true
  trouble.story = ''
  try {
    const page = await must(api.GET('/api/calls/{call_id}', { params: { path: { call_id: callId } } }))
    if (watched.value === callId && lasting === generation) takePage(desk, page)
  } catch (error) {
    if (watched.value === callId) trouble.story = said(error)
  } finally {
    if (watched.value === callId) loading.story = false
  }
}

export function closeCall(): void {
  watched.value = null
  desk.story = null
}

// -- the draft under the agent's hand: each raises Problem ---------------------------------------------------

export async function editField(callId: string, field: string, value: Value): Promise<void> {
  const path = { call_id: callId }
  takeDraft(desk, callId, await must(api.PATCH('/api/calls/{call_id}/draft', { params: { path }, body: { field, value } })))
}

export async function undoField(callId: string, field: string): Promise<void> {
  const path = { call_id: callId, field }
  takeDraft(desk, callId, await must(api.DELETE('/api/calls/{call_id}/draft/{field}', { params: { path } })))
}

export async function acceptCall(callId: string): Promise<void> {
  takeOrder(desk, callId, await must(api.POST('/api/calls/{call_id}/accept', { params: { path: { call_id: callId } } })))
}

/** What the fields can be; they change with the server's version only. */
export const choices = ref<Choices | null>(null)

export async function loadChoices(): Promise<void> {
  choices.value ??= await must(api.GET('/api/choices'))
}
