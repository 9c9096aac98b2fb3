// What the form of a draft shows, in which order, and what each field can be: pure, tested by itself.
import type { Choices, Draft, Field, Value } from './types'
import { FIELDS, VALUES } from './words'

export type Form = 'line' | 'text' | 'choice' | 'switch'

export interface Option {
  value: string
  label: string
}

/** Shown whether anything is known of them or not; of the others only those that say something. */
const ALWAYS = ['title', 'category', 'topic', 'urgent', 'district', 'street', 'address', 'phone', 'content', 'department']
/** No order is without these (hotline.orders). */
const NEEDED = ['title', 'category', 'content']
const CHOICE = ['category', 'topic', 'also', 'district', 'street', 'department', 'handover', 'wish']
const SWITCH = ['urgent', 'direct', 'out_of_scope']
/** Beside the catalogue anything else: it has no streets of tomorrow, and the office of a street is no unit of it. */
const FREE = ['street', 'department']
/** Below this a value is to be asked about. */
const UNSURE = 0.6

export function formOf(name: string): Form {
  if (CHOICE.includes(name)) return 'choice'
  if (SWITCH.includes(name)) return 'switch'
  return name === 'content' ? 'text' : 'line'
}

export function isFree(name: string): boolean {
  return FREE.includes(name)
}

export function isUnsure(field: Field): boolean {
  return !field.edited && !field.follows && field.confidence < UNSURE
}

/** What an order cannot be without and the draft does not say. */
export function lacking(draft: Draft | null): string[] {
  return NEEDED.filter((name) => !draft?.fields[name]?.value)
}

/**
 * The fields from above: what has to be asked for as long as it is no order, then the rest as in the form. `added` are those that the agent wants
 * to fill though nothing was said of them. While the agent is in the form nothing moves: `held` is the order it had,
 * and what comes meanwhile stands below.
 */
export function arrange(draft: Draft | null, added: string[], held: string[] | null): string[] {
  const shown = Object.keys(FIELDS).filter(
    (name) => ALWAYS.includes(name) || added.includes(name) || says(draft?.fields[name]),
  )
  return [...new Set([...(held ?? toAsk(draft)), ...shown])]
}

function toAsk(draft: Draft | null): string[] {
  if (!draft || draft.order) return []
  return [...(draft.complete ? lacking(draft) : []), ...draft.missing].filter((name) => name in FIELDS)
}

/** The fields that can still be added. */
export function absent(shown: string[]): string[] {
  return Object.keys(FIELDS).filter((name) => !shown.includes(name))
}

function says(field: Field | null | undefined): boolean {
  return !!field && (field.edited || field.value !== null)
}

/** A value as it is read; nothing for none. */
export function read(name: string, value: Value | undefined): string {
  if (value === null || value === undefined) return ''
  if (name === 'urgent') return value ? '紧急' : '不紧急'
  if (typeof value === 'boolean') return value ? '是' : '否'
  return VALUES[value] ?? value
}

/** The next best values, one key each: what the field says already is none of them. */
export function nextBest(draft: Draft | null, name: string): string[] {
  return (draft?.choices[name] ?? []).filter((value) => value !== draft?.fields[name]?.value).slice(0, 9)
}

/** All that a field can be, the next best above; for a street those of the draft's district. */
export function optionsOf(name: string, draft: Draft | null, choices: Choices | null): { best: Option[]; all: Option[] } {
  const best = nextBest(draft, name)
  const all = catalogue(name, draft, choices).filter((value) => !best.includes(value))
  const option = (value: string) => ({ value, label: read(name, value) })
  return { best: best.map(option), all: all.map(option) }
}

function catalogue(name: string, draft: Draft | null, choices: Choices | null): string[] {
  if (!choices) return []
  switch (name) {
    case 'also':
      return choices.topic
    case 'street': {
      const district = draft?.fields.district?.value
      const near = typeof district === 'string' ? choices.streets[district] : undefined
      return near ?? Object.values(choices.streets).flat()
    }
    case 'category':
    case 'topic':
    case 'district':
    case 'department':
    case 'handover':
    case 'wish':
      return choices[name]
    default:
      return []
  }
}

/** Those that hold every part of what was typed. */
export function narrow(options: Option[], typed: string): Option[] {
  const parts = typed.trim().split(/\s+/)
  return options.filter(({ label }) => parts.every((part) => label.includes(part)))
}
