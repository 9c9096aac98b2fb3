// Times as people in Chengdu read them, wherever the browser stands.
const ZONE = 'Asia/Shanghai'
const CLOCK = new Intl.DateTimeFormat('zh-CN', { timeZone: ZONE, hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' })
const DAY = new Intl.DateTimeFormat('en-CA', { timeZone: ZONE, year: 'numeric', month: '2-digit', day: '2-digit' })

/** `16:22:28` */
export function clock(at: string): string {
  return CLOCK.format(new Date(at))
}

/** `2026-11-22` */
export function shanghaiDay(at: string | number): string {
  return DAY.format(new Date(at))
}

/** Today only the time, else the day too: `11-22 16:22` */
export function when(at: string): string {
  const day = shanghaiDay(at)
  return day === shanghaiDay(Date.now()) ? clock(at) : `${day.slice(5)} ${clock(at).slice(0, 5)}`
}

/** Seconds as `1:05`, or `1:02:05`. */
export function length(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds))
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60]
  const two = (n: number) => String(n).padStart(2, '0')
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`
}

export function percent(share: number): string {
  return `${Math.round(share * 100)}%`
}
