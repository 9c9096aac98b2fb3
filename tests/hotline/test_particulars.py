"""What a caller says of cars, money, persons, firms, earlier orders, times; and what only looks like it."""

from datetime import datetime

import pytest

from hotline.clock import SHANGHAI
from hotline.drafts.particulars import (
    find_amount,
    find_earlier_order,
    find_enterprise,
    find_persons,
    find_plate,
    find_repeat,
    find_wish,
)
from hotline.drafts.when import find_when


def value(named):
    return named.value if named else None


@pytest.mark.parametrize(
    ("said", "plate"),
    [
        ("车牌川A7K29D", "川A7K29D"),
        ("车牌是川A幺二三四五一直停起", "川A12345"),
        ("川AD12345的电车", "川AD12345"),
        ("车牌川A08K5挂", "川A08K5挂"),
        ("川A6T80挂哎不是川AH5T82", "川AH5T82"),
        ("四川A座三楼", None),
    ],
)
def test_plates(said, plate):
    assert value(find_plate(said)) == plate


@pytest.mark.parametrize(
    ("said", "yuan"),
    [
        ("收了我五千八学费", "5800"),
        ("押金三万块", "30000"),
        ("货款一共四十七万六", "476000"),
        ("罚了两百元", "200"),
        ("拖欠工资412,600元", "412600"),
        ("一千多个学生", None),
        ("外墙掉下来两块砖", None),
        ("住在五块石", None),
        ("水淹到一米二", None),
    ],
)
def test_amounts(said, yuan):
    assert value(find_amount(said)) == yuan


@pytest.mark.parametrize(
    ("said", "names"),
    [
        ("我叫何淑芳，电话…", "何淑芳"),
        ("我姓周，隔壁王婆婆也晓得", "周、王婆婆"),
        ("包工头刘建平欠我钱", "刘建平"),
        ("保安队长喊我打的", None),
        ("工程老板跑了", None),
    ],
)
def test_persons(said, names):
    assert value(find_persons(said)) == names


@pytest.mark.parametrize(
    ("said", "firm"),
    [
        ("投诉成都恒悦物业服务有限公司乱收费", "成都恒悦物业服务有限公司"),
        ("那家店名叫康佑堂，在温江", "康佑堂"),
        ("我们公司停电了", None),
        ("自来水公司不来修", None),
    ],
)
def test_enterprises(said, firm):
    assert value(find_enterprise(said)) == firm


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("工单号20240816007731说七天", "20240816007731"),
        ("上回的工单号是二零二五零九一七零零五八", "202509170058"),
        ("电话13800001234", None),
    ],
)
def test_earlier_orders(said, number):
    assert value(find_earlier_order(said)) == number


@pytest.mark.parametrize(
    ("said", "again"),
    [
        ("这是第三次打了", "这是第三次"),
        ("打了好几次电话都没人来", "打了好几次"),
        ("上次反映过", "上次反映过"),
        ("电梯这个月坏了三次", None),
    ],
)
def test_repeats(said, again):
    assert value(find_repeat(said)) == again


@pytest.mark.parametrize(
    ("said", "wish"),
    [
        ("我不想留名字", "anonymous"),
        ("匿名反映", "anonymous"),
        ("你们莫说是我说的", "confidential"),
        ("请保密", "confidential"),
        ("我不怕留名", None),
    ],
)
def test_wishes(said, wish):
    assert value(find_wish(said)) == wish


@pytest.mark.parametrize(
    ("said", "when"),
    [
        ("昨天晚上七点过停的电", "2026-11-24 19:00"),
        ("今早上七点就没水了", "2026-11-25 07:00"),
        ("今天下午三点半", "2026-11-25 15:30"),
        ("刚刚掉下来一块", "2026-11-25 21:36"),
        ("前天中午", "2026-11-23"),
        ("上周五", "2026-11-20"),
        ("礼拜天早上", "2026-11-22"),
        ("三天前", "2026-11-22"),
        ("十月八号就坏了", "2026-10-08"),
        ("12月3号的事", "2025-12-03"),
        ("上个月十六号", "2026-10-16"),
        ("上个月", "2026-10"),
        ("去年七月", "2025-07"),
        ("去年", "2025"),
        ("昨夜十二点", "2026-11-25 00:00"),
        ("每天晚上七点跳舞", None),
        ("明天要停水", None),
        ("今年取消了没有", None),
        ("二月三十号", None),
        ("三年前", None),
    ],
)
def test_times_are_resolved_from_the_moment_of_the_call(said, when):
    assert value(find_when(said, datetime(2026, 11, 25, 21, 36, tzinfo=SHANGHAI))) == when
