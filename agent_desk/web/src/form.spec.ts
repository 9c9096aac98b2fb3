import { describe, expect, it } from 'vitest'
import { absent, arrange, isUnsure, lacking, narrow, nextBest, optionsOf, read } from './form'
import type { Choices, Draft, Field, Value } from './types'

function field(value: Value, change: Partial<Field> = {}): Field {
  return { value, confidence: 0.9, span: { start: 1, end: 2, text: '路灯' }, edited: false, follows: null, suggested: null, ...change }
}

function draft(fields: Record<string, Field | null>, change: Partial<Draft> = {}): Draft {
  return {
    seq: 1, version: 1, complete: false, updated_at: '2026-11-22T08:00:01Z', fields, missing: [], asks: {}, choices: {},
    order: null, ...change,
  }
}

const CHOICES: Choices = {
  category: ['咨询', '求助', '投诉'], topic: ['城市管理/市政设施/井盖', '城市管理/市政设施/路灯照明', '供气/燃气/泄漏'],
  district: ['金牛区', '成华区'], department: ['市城管委'], handover: ['110'], wish: ['anonymous', 'confidential'],
  streets: { 金牛区: ['抚琴街道'], 成华区: ['双水碾街道', '驷马桥街道'] },
}

describe('the order of the form', () => {
  it('has what must be asked for on top, weightiest first, and each field once', () => {
    const order = arrange(draft({ title: field('路灯坏了') }, { missing: ['address', 'phone'] }), [], null)
    expect(order.slice(0, 3)).toEqual(['address', 'phone', 'title'])
    expect(new Set(order).size).toBe(order.length)
  })

  it('has what no order can be without above all, once no more words will come', () => {
    const late = draft({ title: null, category: field('咨询'), content: null }, { missing: ['address'] })
    expect(arrange(late, [], null)[0]).toBe('address')
    expect(arrange({ ...late, complete: true }, [], null).slice(0, 3)).toEqual(['title', 'content', 'address'])
    expect(lacking(late)).toEqual(['title', 'content'])
  })

  it('is that of the form once it has become an order', () => {
    const order = { order_no: '20261122000001', extract_code: 'ACDEFG', accepted_at: '2026-11-22T08:02:00Z', agent: '小李' }
    expect(arrange(draft({}, { missing: ['address'], complete: true, order }), [], null)[0]).toBe('title')
  })

  it('has a lesser field only if it says something, was edited or is wanted', () => {
    const order = arrange(draft({ plate: field('川A12345'), amount: field(null, { edited: true }), persons: null }), ['wish'], null)
    for (const name of ['plate', 'amount', 'wish']) expect(order).toContain(name)
    expect(order).not.toContain('persons')
    expect(absent(order)).toContain('persons')
    expect(absent(order)).not.toContain('wish')
  })

  it('stays as it is while somebody is in the form; what comes meanwhile stands below', () => {
    const before = arrange(draft({}, { missing: ['address', 'phone'] }), [], null)
    const filled = draft({ address: field('花牌坊街 8 号'), plate: field('川A12345') }, { missing: ['phone'] })
    expect(arrange(filled, [], before)).toEqual([...before, 'plate'])
    expect(arrange(filled, [], null)[0]).toBe('phone')
  })

  it('is there before a word was said', () => {
    expect(arrange(null, [], null)[0]).toBe('title')
    expect(lacking(null)).toEqual(['title', 'category', 'content'])
  })
})

describe('a value', () => {
  it('is read in Chinese', () => {
    expect([read('urgent', true), read('urgent', false), read('direct', true)]).toEqual(['紧急', '不紧急', '是'])
    expect([read('wish', 'anonymous'), read('title', '路灯'), read('title', null)]).toEqual(['匿名', '路灯', ''])
  })

  it('is unsure only as long as nobody has answered for it', () => {
    expect(isUnsure(field('求助', { confidence: 0.4 }))).toBe(true)
    expect(isUnsure(field('求助', { confidence: 0.4, edited: true }))).toBe(false)
    expect(isUnsure(field('求助'))).toBe(false)
  })
})

describe('what a field can be', () => {
  const unsure = draft({ category: field('求助'), district: field('成华区') }, { choices: { category: ['求助', '投诉'] } })

  it('has the next best on top and what it says already not among them', () => {
    expect(nextBest(unsure, 'category')).toEqual(['投诉'])
    const { best, all } = optionsOf('category', unsure, CHOICES)
    expect(best.map((one) => one.value)).toEqual(['投诉'])
    expect(all.map((one) => one.value)).toEqual(['咨询', '求助'])
  })

  it('is, for a street, one of the district that is known, else any', () => {
    expect(optionsOf('street', unsure, CHOICES).all.map((one) => one.value)).toEqual(['双水碾街道', '驷马桥街道'])
    expect(optionsOf('street', null, CHOICES).all).toHaveLength(3)
  })

  it('is shown in Chinese and kept as the server names it', () => {
    expect(optionsOf('wish', null, CHOICES).all[0]).toEqual({ value: 'anonymous', label: '匿名' })
  })

  it('is narrowed by every part of what is typed', () => {
    const { all } = optionsOf('topic', null, CHOICES)
    expect(narrow(all, '市政 灯').map((one) => one.value)).toEqual(['城市管理/市政设施/路灯照明'])
    expect(narrow(all, '')).toHaveLength(3)
  })
})
