"""The particulars a caller gives: plate, amount, persons, enterprise, earlier order, how often, who may know."""

from __future__ import annotations

import re
from collections.abc import Callable

from asr_models.numerals import DIGITS, MYRIADS, TENS, value
from hotline.drafts.found import Named

_CORRECTION = re.compile(r"不对|错了|说错|不是|应该是")
_SPOKEN = "".join(DIGITS)
_ONE_DIGIT = f"[0-9{_SPOKEN}]"

_PROVINCES = "川渝京津沪贵云藏陕甘青粤浙苏鄂湘豫鲁冀晋皖赣闽桂琼辽吉黑蒙宁新"
_PLATE = re.compile(rf"[{_PROVINCES}][A-Za-z][·.]?((?:[A-Za-z]|{_ONE_DIGIT}){{4,6}})(挂?)")

_FIGURES = r"[0-9][0-9,]*+(?:\.[0-9]++)?[百千万亿]*+"
_SAID = rf"[{_SPOKEN}{''.join(TENS)}{''.join(MYRIADS)}]++"
_A_SUM = 10  # yuan: 一块 is more often a piece
_MEASURE = "人户个天年次米平公斤号本张家名棵辆台度克两升层栋楼岁多老居职员工商业"
_YUAN = re.compile(
    rf"(?<![第每0-9{_SPOKEN}点])({_FIGURES}|{_SAID})(?:来|多|余|几)?(?=元|块(?![石砖板]))"
    rf"|({_SAID})(?<=[百千万][{_SPOKEN}])(?!学生|[{_MEASURE}块点{_SPOKEN}])"
    rf"|(?:要|收|收我|花了?|交[了的]?|欠我?|差我?|退我?|扣了?我?|罚了?我?|转了?|充了?|喊我?|押金|工资|货款|拖欠|损失|一共|总共|卡里还有)"
    rf"({_FIGURES}(?<=[0-9百千万])|{_SAID}(?<=[百千万十]))(?:来|多|几)?(?!学生|[{_MEASURE}点{_SPOKEN}号分月日])"
)

_SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾萧田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔"
    "钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤蒲温康施文牛樊葛邢安齐"
)
_TITLES = (
    "婆婆|爷爷|大爷|大妈|嬢嬢|孃孃|阿姨|叔叔|伯伯|经理|师傅|老师|医生|主任|书记|队长|先生|女士|同志|总|老板|警官|护士"
)
_PERSON = re.compile(
    rf"(?:我叫|名叫|名字叫|名字是|姓名是?|联系人|落款|户主叫|，叫|[“「])(?:厂办|退休[一-龥]{{2}})?(?P<full>[{_SURNAMES}][一-龥]{{1,2}})"
    rf"|(?<![保分工谢感多半值])(?P<titled>[{_SURNAMES}](?:{_TITLES}))"
    rf"|(?:我|本人|老板|工头|包工头|免贵|村长|书记|老师|医生)姓(?P<surname>[{_SURNAMES}])"
    rf"|(?<![一-龥])(?P<short>[老小][{_SURNAMES}])(?![一-龥])"
    rf"|(?:网格员|工头|老板|组长|经理|主任|书记|教师|律师|记者|代表|总监|干部|值班员|销售|社区的|窗口的)"
    rf"(?P<after>[{_SURNAMES}][一-龥]{{2}}|小[{_SURNAMES}])(?=[，。,”欠帮把拖是说天电年冒]|[0-9幺一]|$)"
)
_NO_NAME = re.compile(r"[的了是在住电手我们有没不说幺一拖欠，]")

_IN_NAME = "(?![的在是了我你他有这那就们到从和跟把被给说去找叫个家做上])[一-龥A-Za-z0-9]"
_FIRMS = (
    "[一-龥]{0,6}(?:有限责任公司|股份有限公司|有限公司)|集团|公司|置业|地产|驾校|健身|旅行社|国旅|物业|教育|供应链|养老院|幼儿园|门诊部|"
    "诊所|大药房|旗舰店|美容院|工作室|网咖|会所|车行|人力|石化|建材|电梯|医院|超市|酒店|宾馆|机械厂|化工厂|电子厂|家具厂|食品厂"
)
_FIRM = re.compile(
    rf"(?P<known>(?:成都|四川){_IN_NAME}{{2,12}}?(?:{_FIRMS}))"
    rf"|(?<!电话)(?<!我)(?:公司|店名?|机构|中介|楼盘|酒店|旅行社|厂|名字|店铺|中心|国旅|那家|有个|有家|一家)(?:名字|名称)?(?:就)?叫(?:做|啥子)?"
    rf"(?P<called>{_IN_NAME}{{2,12}}?(?:{_FIRMS})|{_IN_NAME}{{2,8}}(?=[，。,]|我|$))"
)
_PUBLIC = re.compile("自来水|燃气|公交|供电|地铁|成都市|四川省|四川大学|成都大学")

_ORDER = re.compile(
    r"(?:工单|单子|受理单|前单|上一单|末次单|订单(?=号.{0,3}12345)|编|单)(?:编号|号码|号|尾号)?[是为：:，,]?(?:尾号)?(?:是)?"
    rf"((?:[A-Z]{{2}})?{_ONE_DIGIT}(?:[-，,]?{_ONE_DIGIT}){{3,19}})"
)
_MANY = "[两二三四五六七八九十好几多0-9]"
_REPEAT = re.compile(
    rf"第[二三四五六七八九十几0-9]+(?:次|回|道|遍)(?:了|给你们|跟你们|在你们这)*(?:打|反映|投诉|来电|举报|报修)"
    rf"|(?:打|反映|投诉|举报|催)(?:了|过)?(?:你们|12345|电话|热线|给你们)*(?:都)?(?:好)?{_MANY}+(?:几)?(?:次|回|道|遍)"
    rf"|(?:打|反映|投诉|举报)过(?:你们|12345|热线)+|这是第[二三四五六七八九十几0-9]+(?:次|回)"
    r"|(?:上次|上回|前回|之前|前头)(?:都|就|给你们|在你们这|跟你们)*(?:打|反映|投诉|举报)(?:过|了|的)?"
    r"|(?:上次|上回|前|上一)的?(?:工单|单号|单子|单)|不是(?:头|第)一(?:回|次)打"
)

_ANONYMOUS = re.compile(
    r"匿名|(?:不|莫|别)(?:要|想|敢|愿意?|方便|便)?(?:留|署)(?:下)?(?:我的?)?(?:真)?(?:姓名|名字|名)|名字就不留"
    r"|不(?:能|想|敢|愿意?)说(?:我的?)?(?:名字|我?是(?:谁|哪个))|我不说我是|莫问我是"
)
_CONFIDENTIAL = re.compile(
    r"保密|(?:不要|莫|别|不能|不准|千万莫|不想)(?:跟|给|让|告诉|对)?[^，。]{0,6}?(?:说|写|晓得|知道)(?:出去)?(?:是|了)?(?:我的?(?:说|举报|反映|打|投诉|姓名|名字)|哪个|谁)"
    r"|(?:不要|请勿|莫|别|不准|不能)(?:泄露|透露|公开|说)(?:我的?|出去|名字|姓名)|不要把我说出"
)


def find_plate(text: str) -> Named | None:
    """A car's plate, its digits perhaps spoken: the first, unless corrected."""
    found: Named | None = None
    for match in _PLATE.finditer(text):
        number = "".join(DIGITS.get(c, c).upper() for c in match[1])
        if len(number) == 6 and not (number[0].isalpha() or number[-1].isalpha()) and not match[2]:
            number = number[:5]  # only the plates of electric cars have six
        if len(number) + len(match[2]) < 5 or not any(c.isdigit() for c in number):
            continue
        if found is None or _CORRECTION.search(text, found.end, match.start()):
            value = f"{match[0][:2].upper()}{number}{match[2]}"
            found = Named(value, match.start(), match.start(1) + len(number) + len(match[2]), 0.9)
    return found


def find_amount(text: str) -> Named | None:
    """Money in yuan; the first sum said."""
    for match in _YUAN.finditer(text):
        said = match[match.lastindex or 0]
        yuan = _yuan(said)
        end = match.end(match.lastindex or 0)
        if yuan and (yuan >= _A_SUM or text.startswith(("元", "块钱"), end)):
            return Named(f"{yuan:g}" if yuan % 1 else f"{yuan:.0f}", end - len(said), end, 0.8)
    return None


def _yuan(said: str) -> float | None:
    figures = re.match(r"[0-9][0-9,]*(?:\.[0-9]+)?", said)
    if not figures:
        whole = value(said)
        return None if whole is None else float(whole)
    number = float(figures[0].replace(",", ""))
    for unit in said[figures.end() :]:
        number *= {**TENS, **MYRIADS}[unit]
    return number


def find_persons(text: str) -> Named | None:
    """The names of persons as they were said, with 、 between them; the span is that of the first."""
    found: dict[str, tuple[int, int]] = {}
    for match in _PERSON.finditer(text):
        for group, name in match.groupdict().items():
            if name is None:
                continue
            if group in ("full", "after") and len(name) == 3 and _NO_NAME.search(name[2]):
                name = name[:2]
            if not _NO_NAME.search(name[1:]):
                found.setdefault(name, (match.start(group), match.start(group) + len(name)))
    if not found:
        return None
    first = next(iter(found.values()))
    return Named("、".join(found), *first, 0.7)


def find_enterprise(text: str) -> Named | None:
    """The name of the firm concerned; 一家公司 is none."""
    for match in _FIRM.finditer(text):
        group = match.lastgroup or ""
        if not _PUBLIC.search(match[group]):
            return Named(match[group], match.start(group), match.end(group), 0.6)
    return None


def find_earlier_order(text: str) -> Named | None:
    """The number of an earlier order, in ASCII digits."""
    match = _ORDER.search(text)
    if not match:
        return None
    number = "".join(DIGITS.get(c, c) for c in match[1] if c not in "，,")
    return Named(number, match.start(1), match.end(1), 0.8)


def find_repeat(text: str) -> Named | None:
    """What shows that the caller reports the same again, as said."""
    match = _REPEAT.search(text)
    return Named(match[0], match.start(), match.end(), 0.7) if match else None


def find_wish(text: str) -> Named | None:
    """``anonymous`` (no name given) or ``confidential`` (the unit must not know)."""
    for wish, pattern in (("anonymous", _ANONYMOUS), ("confidential", _CONFIDENTIAL)):
        if match := pattern.search(text):
            return Named(wish, match.start(), match.end(), 0.8)
    return None


FINDERS: dict[str, Callable[[str], Named | None]] = {
    "plate": find_plate,
    "amount": find_amount,
    "persons": find_persons,
    "enterprise": find_enterprise,
    "earlier_order": find_earlier_order,
    "repeat": find_repeat,
    "wish": find_wish,
}
