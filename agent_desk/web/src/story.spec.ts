import { describe, expect, it } from 'vitest'
import {
  emptyDesk, inOrder, isInDoubt, shownWords, takeDraft, takeList, takeOrder, takePage, takeRecord, takeWords, type Desk,
} from './story'
import type { Call, CallPage, Draft, LiveRecord, Utterance } from './types'

function call(id = 'c1', change: Partial<Call> = {}): Call {
  return {
    call_id: id, state: 'connected', answered_at: '2026-11-22T08:00:00Z', ended_at: null, seconds: null,
    caller: '13800138000', caller_name: null, called: '12345', diverted_from: null, hung_up_by: null,
    title: null, category: null, district: null, urgent: null, urgent_class: null, doubt: false, order_no: null, ...change,
  }
}

function said(id: number, start: number, end: number, change: Partial<Utterance> = {}): Utterance {
  const text = `第${id}句`
  return { id, speaker: 'caller', start, end, text, written: text, confidence: 1, source: 'live', words: [], ...change }
}

function record(seq: number, change: Partial<LiveRecord> = {}): LiveRecord {
  return {
    type: 'record', seq, at: '2026-11-22T08:00:01Z', kind: 'utterance_heard', call: call(),
    utterance: null, draft: null, recording: null, ...change,
  }
}

function page(seq: number, utterances: Utterance[] = []): CallPage {
  return { seq, call: call(), utterances, draft: null, timeline: [], recording: null }
}

function words(text: string, heardUntil: number) {
  return { type: 'words' as const, call_id: 'c1', speaker: 'caller', text, heard_until: heardUntil }
}

/** A desk that knows the call to be in progress. */
function withCall(): Desk {
  const desk = emptyDesk()
  takeList(desk, [call()], 0)
  return desk
}

function partial(desk: Desk): string | undefined {
  return desk.partials.get('c1')?.get('caller')?.text
}

describe('records', () => {
  it('adds what was said to the open page, once, however often it is told', () => {
    const desk = emptyDesk()
    takePage(desk, page(4))
    takeRecord(desk, record(5, { utterance: said(1, 1, 2) }))
    takeRecord(desk, record(5, { utterance: said(1, 1, 2) }))
    expect(desk.story?.utterances.map((one) => one.id)).toEqual([1])
    expect(desk.seq).toBe(5)
  })

  it('adds to a page that arrives late what happened while it was on its way', () => {
    const desk = emptyDesk()
    takeRecord(desk, record(5, { utterance: said(1, 1, 2) }))
    takeRecord(desk, record(6, { utterance: said(2, 3, 4) }))
    takePage(desk, page(5, [said(1, 1, 2)]))
    expect(desk.story?.utterances.map((one) => one.id)).toEqual([1, 2])
    expect(desk.story?.timeline.map((one) => one.seq)).toEqual([6])
  })

  it('puts what was filled in from the tape where it was said', () => {
    const desk = emptyDesk()
    takePage(desk, page(0))
    takeRecord(desk, record(1, { utterance: said(1, 5, 6) }))
    takeRecord(desk, record(2, { utterance: said(2, 1, 2, { source: 'tape' }) }))
    expect(desk.story?.utterances.map((one) => one.id)).toEqual([2, 1])
  })

  it('leaves the page of another call alone', () => {
    const desk = emptyDesk()
    takePage(desk, page(0))
    takeRecord(desk, record(1, { call: call('c2'), utterance: said(1, 1, 2) }))
    expect(desk.story?.utterances).toEqual([])
    expect(desk.calls.get('c2')).toBeDefined()
  })
})

describe('words being said', () => {
  it('go when they have become final', () => {
    const desk = withCall()
    takeWords(desk, words('金牛区', 0))
    expect(partial(desk)).toBe('金牛区')
    takeRecord(desk, record(1, { utterance: said(1, 1, 2) }))
    expect(partial(desk)).toBeUndefined()
  })

  it('stay when they follow on what has just become final', () => {
    const desk = withCall()
    takeWords(desk, words('燃气', 2.2))
    takeRecord(desk, record(1, { utterance: said(1, 1, 2) }))
    expect(partial(desk)).toBe('燃气')
  })

  it('that come after they were final are not shown again', () => {
    const desk = emptyDesk()
    takePage(desk, page(0))
    takeRecord(desk, record(1, { utterance: said(1, 1, 2) }))
    takeWords(desk, words('第1', 0))
    expect(partial(desk)).toBeUndefined()
  })

  it('go when the call ends', () => {
    const desk = withCall()
    takeWords(desk, words('喂', 0))
    takeRecord(desk, record(1, { kind: 'call_ended', call: call('c1', { state: 'ended' }) }))
    takeWords(desk, words('喂', 0))
    expect(partial(desk)).toBeUndefined()
  })
})

describe('the draft', () => {
  const order = { order_no: '20261122000001', extract_code: 'ACDEFG', accepted_at: '2026-11-22T08:02:00Z', agent: '小李' }

  function draft(seq: number, change: Partial<Draft> = {}): Draft {
    return {
      seq, version: seq, complete: false, updated_at: '2026-11-22T08:00:01Z', fields: {}, missing: [], asks: {},
      choices: {}, order: null, ...change,
    }
  }

  it('is the newest, whether an edit was answered or its row was told first', () => {
    const desk = emptyDesk()
    takePage(desk, page(0))
    takeDraft(desk, 'c1', draft(6, { missing: ['phone'] }))
    takeRecord(desk, record(5, { draft: draft(5, { missing: ['address', 'phone'] }) }))
    expect(desk.story?.draft?.missing).toEqual(['phone'])
    takeRecord(desk, record(7, { draft: draft(7) }))
    takeDraft(desk, 'c1', draft(6, { missing: ['phone'] }))
    expect(desk.story?.draft?.missing).toEqual([])
  })

  it('of a call that is shown no more is nobody’s', () => {
    const desk = emptyDesk()
    takePage(desk, page(0))
    takeDraft(desk, 'c2', draft(6))
    takeOrder(desk, 'c2', order)
    expect(desk.story?.draft).toBeNull()
  })

  it('that has become an order stays one, whatever was on its way', () => {
    const desk = emptyDesk()
    takePage(desk, { ...page(0), draft: draft(0) })
    takeOrder(desk, 'c1', order)
    takeRecord(desk, record(3, { draft: draft(3) }))
    expect(desk.story?.draft?.order).toEqual(order)
  })

  it('is in doubt only while nobody has said that it is urgent', () => {
    expect(isInDoubt(call('c1', { urgent: false, doubt: true }))).toBe(true)
    expect(isInDoubt(call('c1', { urgent: true, doubt: true }))).toBe(false)
    expect(isInDoubt(call('c1', { urgent: false }))).toBe(false)
  })
})

describe('the list', () => {
  it('forgets the oldest calls of a long shift, and never one in progress', () => {
    const desk = emptyDesk()
    const at = (n: number) => new Date(Date.UTC(2026, 10, 22, 8) + 1000 * n).toISOString()
    takeRecord(desk, record(1, { call: call('first', { answered_at: at(0) }) }))
    for (let n = 2; n < 2000; n++) {
      takeRecord(desk, record(n, { call: call(`c${n}`, { state: 'closed', answered_at: at(n) }) }))
    }
    expect(desk.calls.size).toBeLessThan(1000)
    expect(desk.calls.has('first')).toBe(true)
    expect(desk.calls.has('c1999')).toBe(true)
    expect(desk.more).toBe(true)
  })

  it('is newest first, and a record newer than the list wins', () => {
    const desk = emptyDesk()
    takeRecord(desk, record(9, { call: call('c1', { state: 'closed' }) }))
    takeList(desk, [call('c1'), call('c2', { answered_at: '2026-11-22T09:00:00Z' })], 8)
    expect(desk.calls.get('c1')?.state).toBe('closed')
    expect(inOrder(desk.calls.values()).map((one) => one.call_id)).toEqual(['c2', 'c1'])
  })
})

describe('words as they are shown', () => {
  function word(text: string, written: string, start: number, confidence = 1) {
    return { text, written, start, end: start + 1, confidence }
  }

  it('are one where one figure stands for several, as long as all of them and as sure as the least', () => {
    const words = [word('花了', '花了', 1), word('一百', '120', 2), word('二十', '', 3, 0.4), word('块钱', '块钱', 4)]
    expect(shownWords(said(1, 1, 5, { words }))).toEqual([
      word('花了', '花了', 1),
      { text: '一百二十', written: '120', start: 2, end: 4, confidence: 0.4 },
      word('块钱', '块钱', 4),
    ])
    expect(words[1]?.text).toBe('一百')
  })

  it('are the whole utterance where no words are known', () => {
    const one = said(1, 1, 5, { text: '三号', written: '3号' })
    expect(shownWords(one)).toEqual([{ text: '三号', written: '3号', start: 1, end: 5, confidence: 1 }])
  })
})
