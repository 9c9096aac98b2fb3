// The desk's one state: loaded once, then kept true by what comes over the WebSocket.
import { computed, reactive, ref } from 'vue'
import { api, must, Problem } from './api/client'
import { Live } from './live'
import { emptyDesk, inOrder, isInDoubt, isOpen, isUrgent, takeList, takePage, takeRecord, takeWords } from './story'
import { shanghaiDay } from './format'
import type { Call, LiveMessage } from './types'

const PAGE = 50

export const desk = reactive(emptyDesk())
export const filter = reactive<{ urgent: boolean; day: string | null }>({ urgent: false, day: null })
export const loading = reactive({ list: false, story: false, more: false })
export const trouble = ref('')

export const openCalls = computed(() => inOrder([...desk.calls.values()].filter(isOpen)))
export const pastCalls = computed(() => inOrder([...desk.calls.values()].filter((call) => !isOpen(call) && fits(call))))

let live: Live | null = null
let asked = ''

function fits(call: Call): boolean {
  if (filter.urgent && !isUrgent(call) && !isInDoubt(call)) return false
  return filter.day === null || shanghaiDay(call.answered_at) === filter.day
}

/** Load what there is and listen from there on. */
export async function begin(turnedAway: () => void): Promise<void> {
  if (live) return
  await loadLists()
  live ??= new Live({ seq: () => desk.seq, take, turnedAway })
}

export function end(): void {
  live?.end()
  live = null
  Object.assign(desk, emptyDesk())
  asked = ''
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
      break
    case 'reset':
      void loadAnew(message.seq)
      break
    case 'ready':
      break
  }
}

/** Everything again: too much was missed to be told row by row. */
async function loadAnew(seq: number): Promise<void> {
  desk.seq = seq
  desk.recent = []
  desk.partials.clear()
  await loadLists()
  if (asked) await openCall(asked)
}

async function loadLists(): Promise<void> {
  loading.list = true
  const first = desk.seq === 0
  try {
    const [open, past] = await Promise.all([
      must(api.GET('/api/calls', { params: { query: { state: 'open', limit: 200 } } })),
      must(api.GET('/api/calls', { params: { query: { ...pastQuery(), limit: PAGE } } })),
    ])
    desk.calls = new Map()
    takeList(desk, past.calls, past.seq)
    takeList(desk, open.calls, open.seq)
    // later, the socket alone moves it: what a list knows beyond it is told there once more
    if (first) desk.seq = Math.min(open.seq, past.seq)
    more.value = past.more
    trouble.value = ''
  } catch (error) {
    trouble.value = error instanceof Problem ? error.message : String(error)
  } finally {
    loading.list = false
  }
}

function pastQuery() {
  return { state: 'past' as const, urgent: filter.urgent || undefined, day: filter.day ?? undefined }
}

export const more = ref(false)

/** Another condition: past calls are asked for anew, those in progress stay. */
export async function refilter(): Promise<void> {
  await loadLists()
}

export async function loadMore(): Promise<void> {
  const last = pastCalls.value.at(-1)
  if (!last || loading.more) return
  loading.more = true
  try {
    const older = await must(
      api.GET('/api/calls', { params: { query: { ...pastQuery(), limit: PAGE, before: last.call_id } } }),
    )
    takeList(desk, older.calls, older.seq)
    more.value = older.more
  } finally {
    loading.more = false
  }
}

/** Show one call; what happens in it from now on is added as it happens. */
export async function openCall(callId: string): Promise<void> {
  asked = callId
  if (desk.story?.call.call_id !== callId) desk.story = null
  loading.story = true
  try {
    const page = await must(api.GET('/api/calls/{call_id}', { params: { path: { call_id: callId } } }))
    if (asked === callId) takePage(desk, page)
  } finally {
    if (asked === callId) loading.story = false
  }
}

export function closeCall(): void {
  asked = ''
  desk.story = null
}
