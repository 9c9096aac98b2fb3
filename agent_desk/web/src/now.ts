// The time of day as the server has it: a desk's own clock may be minutes wrong.
import { ref } from 'vue'

let ahead = 0

/** Milliseconds since 1970 by the server's clock, a second exact. */
export const now = ref(Date.now())

window.setInterval(() => (now.value = Date.now() + ahead), 1000)

export function serverSays(at: string): void {
  ahead = Date.parse(at) - Date.now()
  now.value = Date.now() + ahead
}
