// The field's own words for what the server names in English.
/** In the order of the form. */
export const FIELDS: Record<string, string> = {
  title: '标题',
  category: '类别',
  topic: '主题',
  urgent: '是否紧急',
  urgent_class: '紧急类型',
  reason: '紧急理由',
  handover: '移交',
  district: '区(市)县',
  street: '街道',
  community: '社区',
  address: '详细地址',
  phone: '联系电话',
  content: '诉求内容',
  department: '主办单位',
  assist: '协办单位',
  direct: '直派',
  out_of_scope: '不属受理范围',
  also: '另一诉求',
  occurred_at: '发生时间',
  persons: '涉及人员',
  enterprise: '涉及企业',
  plate: '车牌',
  amount: '涉及金额(元)',
  wish: '匿名/保密',
  repeat: '重复反映',
  earlier_order: '原工单号',
}

/** Of a value that the server names in English. */
export const VALUES: Record<string, string> = { anonymous: '匿名', confidential: '保密' }

export const STATES: Record<string, string> = {
  answered: '已接听',
  connected: '通话中',
  ended: '整理中',
  closed: '已结束',
}

export const SPEAKERS: Record<string, string> = { caller: '来电人', agent: '话务员' }

export function speaker(name: string): string {
  return SPEAKERS[name] ?? '第三方'
}

const HUNG_UP_BY: Record<string, string> = { 'far end': '来电人挂机', card: '线路中断', 'card stopped': '系统停机' }

export function hungUpBy(who: string | null): string {
  return who === null ? '' : (HUNG_UP_BY[who] ?? '热线挂机')
}

/** Of these a call's story is told; the rest is for engineers (hotline show). */
export const MOMENTS: Record<string, string> = {
  call_answered: '接听',
  call_connected: '接通',
  prompt_ended: '问候语播完',
  utterance_heard: '识别一句',
  key_pressed: '来电人按键',
  legs_joined: '第三方加入',
  legs_parted: '第三方退出',
  tape_failed: '录音异常',
  tape_recovered: '录音恢复',
  tape_repaired: '录音已修复',
  ears_missed: '识别漏听一段',
  hole_filled: '漏听已从录音补全',
  words_missing: '有一段无法补全',
  draft_updated: '草稿更新',
  draft_completed: '草稿完成',
  draft_edited: '话务员修改草稿',
  order_drafted: '受理，生成工单',
  call_ended: '挂机',
  call_closed: '整理完毕',
}
