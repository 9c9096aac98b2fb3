// Keys that work anywhere on a page, unless somebody is typing.
import { onMounted, onUnmounted } from 'vue'

export interface Shortcut {
  /** As KeyboardEvent.key names it. */
  keys: string[]
  /** With Ctrl (or ⌘), and then while somebody is typing too. */
  ctrl?: boolean
  act: () => void
}

/** Whether a key belongs to what has the focus: a field, a menu, a dialog, something that opens. */
function isTaken(event: KeyboardEvent): boolean {
  const target = event.target
  if (event.defaultPrevented || event.altKey || event.isComposing) return true
  if (!(target instanceof HTMLElement)) return false
  if (withCtrl(event)) return target.closest('[role="menu"], [role="dialog"], .el-popper') !== null
  if (event.key === ' ' && target.closest('button, summary, [role="button"]')) return true
  return target.closest('input, textarea, select, [contenteditable], [role="menu"], [role="dialog"], .el-popper') !== null
}

function withCtrl(event: KeyboardEvent): boolean {
  return event.ctrlKey || event.metaKey
}

const SAME: Record<string, string> = { '？': '?', '【': '[', '】': ']' }

export function useKeys(shortcuts: Shortcut[]): void {
  const listen = (event: KeyboardEvent): void => {
    if (isTaken(event)) return
    const key = SAME[event.key] ?? (event.key.length === 1 ? event.key.toLowerCase() : event.key)
    const found = shortcuts.find((one) => one.keys.includes(key) && (one.ctrl ?? false) === withCtrl(event))
    if (!found) return
    event.preventDefault()
    found.act()
  }
  onMounted(() => window.addEventListener('keydown', listen))
  onUnmounted(() => window.removeEventListener('keydown', listen))
}
