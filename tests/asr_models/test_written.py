"""Spoken numbers as one would write them, and everything else as it was said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr_models.numerals import cardinal, digit_by_digit, readings, value
from asr_models.words import Word, utterance
from asr_models.written import word_by_word, write, written

FIGURES = """
幺三八零零幺三八零零零 13800138000
一三八零零一三八零零零 13800138000
我的电话是幺三九幺二三四五六七八 我的电话是13912345678
幺三八零零幺三八零零零二十号去 13800138000二十号去
零二八八七六五四三二幺 02887654321
座机八七六五四三二幺 座机87654321
零幺零六二七八幺二三四 01062781234
四零零八八八八八八八 4008888888
打幺二三四五 打12345
一二三四五热线 12345热线
拨幺幺零 拨110
打一一九 打119
五幺零幺零六幺九九零零三零七二三幺六 510106199003072316
川A幺二三四五 川A12345
三栋二单元五零四 3栋2单元504
一栋一单元 1栋1单元
十二幢三单元幺八零二 12幢3单元1802
二单元五六四 2单元564
五零四室 504室
三号楼五楼 3号楼5楼
住在二十五楼 住在25楼
十五层 15层
六层楼 6层楼
武侯大道五百六十六号 武侯大道566号
一环路北三段一百二十三号 一环路北三段123号
五一路八十八号 五一路88号
五六三号 563号
村三组 村3组
一号线 1号线
十八号线 18号线
八三二路公交 832路公交
三十二路公交车 32路公交车
坐七路 坐7路
二零二六年十一月二十五号 2026年11月25号
二零二六年 2026年
一九九八年 1998年
零八年 08年
三月三十日 3月30日
十一月份 11月份
七月 7月
二十八日 28日
十一月二十五下午 11月25下午
二十五号 25号
下午三点半 下午3点半
早上八点 早上8点
晚上一点多 晚上1点多
凌晨零点 凌晨0点
下午三点三十分 下午3点30分
下午三点零五 下午3点05
下午三点五分 下午3点5分
三点二十 3点20
十点半 10点半
一点半 1点半
一点钟 1点钟
十二点左右 12点左右
早上八点到十点 早上8点到10点
三点钟到五点 3点钟到5点
十五点三十分 15:30
二十三点四十五 23:45
十五点零五分 15:05
一千二百块钱 1200块钱
一千二百块 1200块
三块五毛 3块5毛
三块五 3块5
十块一斤 10块一斤
五千元 5000元
一共十点五元 一共10.5元
两万块 2万块
三万五 35000
一千两百万 1200万
一亿两千万 1亿2000万
一点五万 1.5万
罚了我两百 罚了我200
三千五左右 3500左右
三百七十万公款 370万公款
百分之三十 30%
百分之零点五 0.5%
千分之五 5‰
两点五公里 2.5公里
三公里 3公里
五十平米 50平米
一点五倍 1.5倍
三十八度 38度
零下十五度 零下15度
三米五 3米5
三点一四 3.14
三十多岁 30多岁
八岁 8岁
一百多块 100多块
二十四小时 24小时
十五分钟 15分钟
二十分 20分
十五个工作日 15个工作日
三十户 30户
十年 10年
二十一世纪 21世纪
三十天内 30天内
一百二十三 123
一百零五个 105个
三千三百三十三 3333
三十到四十块 30到40块
八到十个人 8到10个人
两千五 2500
十一个人 11个人
"""

AS_SAID = """
一下 一直 万一 一定 一样 一些 一点 有一点不明白 一点一点 早一点来 晚上一点水都没有 一起 一边 统一 第一 第三十二条
第二人民医院 三番五次 乱七八糟 七上八下 五颜六色 三三两两 一五一十 十全十美
十万火急 七零八落 三百六十行 二百五 三十六计 千方百计
百年大计 不怕一万就怕万一 千万不要 百姓 百货 万州 千禧 百分之百 百分之几 三分之一 十分满意 十有八九
七八个 三五天 两三百块 十七八岁 二三十个 一百二三十 三五百块 十几个 几十块 几十万 几百人 数十万 好几千
两个 一个 三个小时 五分钟 两块钱 一块钱 一米八 两层楼 一层灰 两米 八个人 三家 三到五天
十字路口 二环路 一环路 北三段 三岔路口 五一 六一 十一 五四 八一路 三一五 双十一 国庆十一
四川 三星 二仙桥 九眼桥 十二桥路 八里庄 三瓦窑 十陵街道 五块石 万年场 三圣乡 三元桥 七中 四十九中学
周二十点 星期三家里停水 礼拜五 大年三十家里 五月初五 八月十五 正月十五 腊月二十三
二十两万块钱 十两万块钱 百分之十两万 三十零万元 一百零万块
这一栋楼 三栋楼 那一单元 每一楼道 某一楼盘 一楼梯 一二三 七八点钟 下午七八点 一万个不愿意 坐月子 十月怀胎 再三度过
幺三八*****零零零 *********** 一**四 路灯坏了 [unk] open source 13800138000 3点30 504室
"""

SPOKEN = st.text(
    st.sampled_from("零〇幺一二两三四五六七八九十百千万亿点分半号月日年元块钱个第几多百分之下午周米栋单元初到*5路"),
    max_size=24,
)


@pytest.mark.parametrize("pair", FIGURES.split("\n")[1:-1])
def test_a_number_is_written_where_a_reader_expects_one(pair: str) -> None:
    said, expected = pair.split()
    assert written(said) == expected
    assert written(f"是{said}，谢谢") == f"是{expected}，谢谢"


@pytest.mark.parametrize("said", AS_SAID.split())
def test_words_and_idioms_stay_as_they_were_said(said: str) -> None:
    assert written(said) == said
    assert written(f"嗯{said}啊") == f"嗯{said}啊"


@given(st.text() | SPOKEN)
def test_the_pieces_cover_all_that_was_said_in_its_order(said: str) -> None:
    at = 0
    for piece in write(said).pieces:
        assert piece.start == at < piece.end
        assert piece.text
        at = piece.end
    assert at == len(said)
    assert "None" not in written(said) or "None" in said
    assert written(said) == "".join(piece.text for piece in write(said).pieces)


@given(SPOKEN)
def test_what_is_written_is_not_written_otherwise_a_second_time(said: str) -> None:
    assert written(written(said)) == written(said)


@given(st.text("0123456789 -:.%号月年点半室栋楼元块"))
def test_figures_stay_figures(figures: str) -> None:
    assert written(figures) == figures


@given(st.from_regex(r"1[3-9][0-9]{9}|0[1-9][0-9]{9}|[2-8][0-9]{7}", fullmatch=True))
def test_every_telephone_number_is_written_and_each_of_its_figures_stands_for_one_character(number: str) -> None:
    said = "电话" + digit_by_digit(number).replace("一", "幺")
    assert written(said) == f"电话{number}"
    assert [(piece.start, piece.end) for piece in write(said).pieces] == [(n, n + 1) for n in range(len(said))]


def test_a_whole_number_is_one_piece_for_all_its_characters() -> None:
    pieces = write("住一百二十三号").pieces
    assert [(piece.text, piece.start, piece.end) for piece in pieces] == [("住", 0, 1), ("123", 1, 6), ("号", 6, 7)]
    (share,) = write("百分之三十").pieces
    assert (share.text, share.start, share.end) == ("30%", 0, 5)


@given(st.lists(st.text(st.sampled_from("零幺一二三十百千点半号月块花了下午"), max_size=4), max_size=8))
def test_word_by_word_nothing_is_lost_and_a_number_over_several_words_stands_at_its_first(words: list[str]) -> None:
    shown = word_by_word(words)
    assert len(shown) == len(words)
    assert "".join(shown) == written("".join(words))


def test_a_word_whose_number_began_before_it_shows_nothing() -> None:
    assert word_by_word(["花", "了", "一百", "二十", "块钱"]) == ["花", "了", "120", "", "块钱"]
    assert word_by_word(["幺三八", "零零幺三", "八零零零"]) == ["138", "0013", "8000"]
    assert word_by_word([]) == []


def test_an_utterance_has_a_written_form_and_keeps_what_was_said() -> None:
    final = utterance([Word("三栋", 0.0, 0.5, 1.0), Word("二单元", 0.5, 1.0, 1.0)])
    assert final.written == "3栋2单元"
    assert final.text == "三栋二单元"


@given(st.integers(0, 10**12 - 1) | st.integers(0, 20_000))
def test_a_number_s_name_means_that_number(number: int) -> None:
    assert value(cardinal(number)) == number
    assert cardinal(number) in readings(str(number))


@pytest.mark.parametrize(
    "said",
    ["", "七八", "二百二三十", "百", "千万", "一百一百", "十二两", "两十", "幺百", "一万亿", "一千五万", "零零", "路"],
)
def test_what_is_no_single_number_has_no_value(said: str) -> None:
    assert value(said) is None


def test_a_number_too_large_for_its_names_is_refused_and_read_digit_by_digit() -> None:
    with pytest.raises(ValueError, match="between"):
        cardinal(10**12)
    assert readings("510106199003072316")[0] == "五一零一零六一九九零零三零七二三一六"
