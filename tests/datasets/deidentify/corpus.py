"""Reports with invented people: texts, what in them identifies, and words that only look as if they did.

The rules were written beside `WORKED`. `HELD_OUT` and then `FRESH` and `UNSEEN` (other given names too) were each
measured once with the rules of the time and then used to mend them; so was `LAST`, after them. `BLIND` was written
before the rules were last changed and only ever measured with, its surnames and given names are drawn from lists of
its own. `STRANGER` is by a second writer, who had no hand in the rules; it was measured once before they were mended
with it. All figures stand in docs/deidentification.md.
"""

import random
from dataclasses import dataclass
from datetime import date, timedelta

from medassay.datasets.deidentify.resident_id import check_digit

SURNAMES_TEXT = (
    "王wang 李li 张zhang 刘liu 陈chen 杨yang 黄huang 赵zhao 吴wu 周zhou 徐xu 孙sun 马ma 朱zhu 胡hu "
    "郭guo 何he 林lin 高gao 罗luo "
    "郑zheng 梁liang 谢xie 宋song 唐tang 许xu 韩han 邓deng 冯feng 曹cao 彭peng 曾zeng 肖xiao 田tian "
    "董dong 潘pan 袁yuan 蔡cai "
    "蒋jiang 余yu 于yu 杜du 叶ye 程cheng 魏wei 苏su 吕lv 丁ding 任ren 卢lu 姚yao 沈shen 钟zhong "
    "姜jiang 崔cui 谭tan 陆lu 范fan "
    "汪wang 廖liao 石shi 金jin 韦wei 贾jia 夏xia 付fu 方fang 邹zou 熊xiong 白bai 孟meng 秦qin 邱qiu "
    "欧阳ouyang 司马sima 诸葛zhuge"
)
GIVEN_TEXT = (
    "伟wei 芳fang 娜na 敏min 静jing 丽li 强qiang 磊lei 军jun 洋yang 勇yong 艳yan 杰jie 娟juan 涛tao "
    "超chao 霞xia 刚gang 玲ling 桂gui "
    "兰lan 英ying 华hua 玉yu 建jian 国guo 秀xiu 珍zhen 志zhi 文wen 晓xiao 雨yu 欣xin 怡yi 子zi 涵han "
    "浩hao 宇yu 轩xuan 梓zi 萱xuan "
    "博bo 思si 佳jia 琪qi 俊jun 鹏peng 飞fei 海hai 燕yan 春chun 梅mei 雪xue 婷ting 淑shu 凤feng "
    "云yun 德de 福fu 祥xiang 瑞rui 嘉jia"
)
GIVEN_FRESH_TEXT = (
    "红hong 平ping 明ming 光guang 清qing 正zheng 月yue 小xiao 大da 生sheng 来lai 根gen 水shui 木mu "
    "庆qing 发fa 田tian 荣rong 贵gui 香xiang "
    "菊ju 莲lian 波bo 辉hui 斌bin 彬bin 东dong 南nan 峰feng 岩yan 亮liang 龙long 虎hu 源yuan 泽ze "
    "诗shi 语yu 彤tong 悦yue 然ran"
)
SURNAMES_BLIND_TEXT = (
    "王wang 李li 张zhang 刘liu 陈chen 龚gong 万wan 段duan 钱qian 汤tang 尹yin 黎li 易yi 常chang 武wu 乔qiao "
    "贺he 赖lai 文wen 庞pang 樊fan 殷yin 施shi 颜yan 倪ni 严yan 牛niu 温wen 芦lu 季ji 俞yu 章zhang 鲁lu 葛ge "
    "伍wu 毕bi 聂nie 焦jiao 向xiang 柳liu 邢xing 骆luo 岳yue 齐qi 梅mei 莫mo 庄zhuang 管guan 祝zhu 左zuo 凌ling "
    "耿geng 牟mou 卜bu 路lu 詹zhan 关guan 苗miao 费fei 纪ji 靳jin 盛sheng 童tong 欧ou 上官shangguan 皇甫huangfu"
)
GIVEN_BLIND_TEXT = (
    "力li 胜sheng 学xue 祖zu 民min 永yong 良liang 刚gang 全quan 昌chang 顺shun 连lian 进jin 安an 长chang 金jin "
    "银yin 花hua 巧qiao 翠cui 桃tao 素su 爱ai 彩cai 冬dong 秋qiu 改gai 存cun 锁suo 拴shuan 二er 三san 四si 毛mao "
    "铁tie 成cheng 立li 启qi 航hang 逸yi 辰chen 沐mu 一yi 可ke 若ruo 汐xi 乐le 恩en 米mi 豆dou 奕yi 舟zhou 昊hao "
    "焱yan 垚yao 鑫xin 淼miao 翔xiang 康kang 宁ning 友you 仁ren 义yi 礼li 信xin 友you 达da 伦lun 凯kai 威wei"
)
SURNAMES_STRANGER_TEXT = (
    "阮ruan 侯hou 邵shao 孔kong 毛mao 史shi 顾gu 郝hao 戴dai 贾jia 尤you 冉ran 闫yan 兰lan 游you 舒shu 甘gan 裴pei "
    "宁ning 阎yan 滕teng 宫gong 包bao 单shan 艾ai 车che 项xiang 佟tong 鲍bao 邬wu 晏yan 司si 娄lou 隋sui 慕容murong"
)
GIVEN_STRANGER_TEXT = (
    "泓hong 澈che 琬wan 璟jing 屹yi 蕴yun 朔shuo 珂ke 皓hao 筠yun 芷zhi 萌meng 麒qi 骁xiao 懿yi 卉hui 钊zhao 煜yu "
    "晟sheng 韬tao 苒ran 瑾jin 颢hao 岚lan 霄xiao 葵kui 炜wei 旻min 澜lan 弘hong 绮qi 禾he 双shuang 喜xi 满man"
)
WESTERN_TEXT = (
    "Margaret,Declan,Ingrid,Tobias,Fiona,Rajesh,Olumide,Katarzyna,Hiroshi,Beatriz,Wendell,Saoirse|O'Brien,Whitcombe,"
    "Lindqvist,Abernathy,Fitzgerald,Kowalski,Adeyemi,Nakamura,MacLeod,Thackeray,Oyelaran,Vasquez,Harrington,St-Pierre,"
    "Bianchi"
)
MINORITY_TEXT = (
    "阿卜杜热合曼,古丽巴哈尔,措姆吉,扎西顿珠,麦麦提艾力,乌云其木格,塔吉古丽,达瓦次仁,布仁巴雅尔,热依汗古丽|"
    "Abdurehman Tursun,Gulnar Memet,Tashi Dhondup,Oyunchimeg Batbold,Dawa Tsering,Reyhangul Abliz,Mihrigul Eziz"
)
ABROAD_TEXT = (  # names of Hong Kong and Taiwan, streets and towns of English addresses, roads of Hong Kong, months
    "CHAN Tai Man;WONG Siu Ming;LEUNG Ka Yan;CHEUNG Wing Sze;Kwok Mei Ling;TSANG Hiu Tung|"
    "陳國鈞;劉靜儀;張麗華;鄭偉豪;吳佩珊;蕭淑貞|Maple Grove Road;Kestrel Way;"
    "Harbour View Drive;Elm Street;St Martin's Close;Ashdown Court|Leeds LS6 2AB;"
    "Toronto, ON M5V 2T6;Dublin 4;Springfield, IL 62704;Manchester M20 3XY|九龍彌敦道;沙田大圍道;香港軒尼詩道|"
    "January;February;March;April;May;June;July;August;September;October;November;December"
)
CITIES_TEXT = (
    "杭州市西湖区 成都市武侯区 南京市鼓楼区 长沙市岳麓区 武汉市洪山区 西安市雁塔区 "
    "沈阳市和平区 昆山市玉山镇 福州市鼓楼区"
)
PROVINCES_TEXT = "浙江省 四川省 江苏省 湖南省 湖北省 陕西省 辽宁省 江苏省 福建省"
ROADS_TEXT = "文三路 人民南路 中山路 解放西路 珞喻路 长安南路 三好街 前进中路 五四路 建设大道"


(
    SURNAMES, GIVEN, GIVEN_FRESH, CITIES, PROVINCES, ROADS, SURNAMES_BLIND, GIVEN_BLIND,
    SURNAMES_STRANGER, GIVEN_STRANGER,
) = (
    text.split()
    for text in (
        SURNAMES_TEXT, GIVEN_TEXT, GIVEN_FRESH_TEXT, CITIES_TEXT, PROVINCES_TEXT, ROADS_TEXT,
        SURNAMES_BLIND_TEXT, GIVEN_BLIND_TEXT, SURNAMES_STRANGER_TEXT, GIVEN_STRANGER_TEXT,
    )
)  # fmt: skip
(WESTERN_GIVEN, WESTERN_FAMILY), (MINORITY, MINORITY_LATIN) = (
    [part.split(",") for part in text.split("|")] for text in (WESTERN_TEXT, MINORITY_TEXT)
)
HONG_KONG, TAIWAN, STREETS_ENGLISH, TOWNS_ENGLISH, ROADS_HONG_KONG, MONTHS = (
    part.split(";") for part in ABROAD_TEXT.split("|")
)


@dataclass(frozen=True)
class Text:
    """One text and the values in it that identify, with their kind."""

    text: str
    planted: tuple[tuple[str, str], ...]


def _split(pair):
    cut = next(i for i, letter in enumerate(pair) if letter.isascii())
    return pair[:cut], pair[cut:]


class People:
    """Draws invented people from one seed."""

    def __init__(self, seed, given=GIVEN, surnames=SURNAMES):
        self.draw = random.Random(seed)
        self.given = given
        self.surnames = surnames

    def name(self):
        family, latin = _split(self.draw.choice(self.surnames))
        parts = [_split(self.draw.choice(self.given)) for _ in range(self.draw.choice((1, 2, 2)))]
        return family + "".join(part[0] for part in parts), latin, "".join(part[1] for part in parts)

    def digits(self, count):
        return "".join(self.draw.choice("0123456789") for _ in range(count))

    def day(self, first=1940, last=2005):
        start = date(first, 1, 1)
        return start + timedelta(days=self.draw.randrange((date(last, 1, 1) - start).days))

    def resident_id(self, length=18):
        area = self.draw.choice(("110105", "330106", "320102", "430104", "510107", "610113"))
        if length == 15:
            return area + self.day(1940, 1990).strftime("%y%m%d") + self.digits(3)
        first = area + self.day().strftime("%Y%m%d") + self.digits(3)
        return first + check_digit(first)

    def mobile(self):
        return self.draw.choice(("13", "15", "17", "18", "19")) + self.draw.choice("356789") + self.digits(8)

    def address(self):
        at = self.draw.randrange(len(CITIES))
        house = f"{self.draw.randrange(1, 400)}号"
        if self.draw.random() < 0.5:
            house += f"{self.draw.randrange(1, 30)}栋{self.draw.randrange(101, 1900)}室"
        lead = PROVINCES[at] if self.draw.random() < 0.6 else ""
        return lead + CITIES[at] + self.draw.choice(ROADS) + house


def full_width(text):
    return "".join(chr(ord(letter) + 0xFEE0) if "!" <= letter <= "~" else letter for letter in text)


def _value(kind, people):
    family_given = people.name()
    chinese, latin, given = family_given
    values = {
        "name": lambda: chinese,
        "name_spaced": lambda: " ".join(chinese),
        "pinyin": lambda: f"{latin.title()} {given.title()}",
        "pinyin_caret": lambda: f"{latin.upper()}^{given.upper()}",
        "pinyin_upper": lambda: f"{latin.upper()} {given.upper()}",
        "pinyin_glued": lambda: f"{latin.title()}{given.title()}",
        "mojibake": lambda: chinese.encode("gbk").decode("latin-1"),
        "mojibake_utf8": lambda: chinese.encode().decode("latin-1"),
        "surname": lambda: chinese[0],
        "resident_id": people.resident_id,
        "resident_id_15": lambda: people.resident_id(15),
        "resident_id_full_width": lambda: full_width(people.resident_id()),
        "mobile": people.mobile,
        "mobile_full_width": lambda: full_width(people.mobile()),
        "mobile_spaced": lambda: (lambda n: f"{n[:3]} {n[3:7]} {n[7:]}")(people.mobile()),
        "landline": lambda: (
            f"0{people.draw.choice(('571', '28', '10', '25'))}-{people.draw.choice('68')}{people.digits(7)}"
        ),
        "address": people.address,
        "admission": lambda: people.digits(people.draw.choice((7, 8, 10))),
        "record": lambda: people.draw.choice(("ZY", "MZ", "A", "")) + people.digits(8),
        "accession": lambda: f"{people.draw.choice(('CT', 'MR', 'US', 'DX'))}{people.digits(9)}",
        "insurance": lambda: people.digits(12),
        "birth": lambda: people.day().strftime(
            people.draw.choice(("%Y-%m-%d", "%Y年%m月%d日", "%Y%m%d", "%Y/%m/%d"))
        ),
        "email": lambda: f"{latin}{given}{people.digits(2)}@example.com",
    }
    return values[kind]() if kind in values else _value_abroad(kind, people, family_given)


def _value_abroad(kind, people, name):
    """Values of the set of the second writer."""
    (chinese, latin, given), pick, digits = name, people.draw.choice, people.digits
    first, family = pick(WESTERN_GIVEN), pick(WESTERN_FAMILY)
    day, number = people.day(1930, 1999), people.draw.randrange(1, 300)
    month = MONTHS[day.month - 1]
    year = "".join("〇一二三四五六七八九"[int(one)] for one in str(day.year))
    values = {
        "western": lambda: f"{first} {family}",
        "western_upper": lambda: f"{first} {family}".upper(),
        "western_reversed": lambda: f"{family.upper()}, {first}",
        "western_comma": lambda: f"{family}, {first[0]}.",
        "western_email": lambda: f"{first[0].lower()}.{family.lower().replace(chr(39), '')}@clinic-mail.example",
        "initials": lambda: f"{first[0]}.{family[0]}.{pick('KLMT')}.",
        "surname_latin": lambda: family,
        "pinyin_reversed": lambda: f"{given.title()} {latin.title()}",
        "pinyin_hk": lambda: pick(HONG_KONG),
        "minority": lambda: pick(MINORITY),
        "minority_latin": lambda: pick(MINORITY_LATIN),
        "name_three": lambda: chinese[0] + "".join(_split(pick(people.given))[0] for _ in range(2)),
        "name_traditional": lambda: pick(TAIWAN),
        "phone_abroad": lambda: pick((
            f"+44 7700 900{digits(3)}", f"(415) 555-{digits(4)}", f"+1-212-555-{digits(4)}",
            f"+81 90-{digits(4)}-{digits(4)}", f"07700 900{digits(3)}",
        )),
        "phone_hk": lambda: f"+852 {pick('2569')}{digits(3)} {digits(4)}",
        "phone_taiwan": lambda: pick((f"02-2{digits(3)}-{digits(4)}", f"09{digits(2)}-{digits(3)}-{digits(3)}")),
        "phone_landline": lambda: f"extension {digits(5)}" if number % 2 else f"020 7946 0{digits(3)}",
        "address_english": lambda: f"{number} {pick(STREETS_ENGLISH)}, {pick(TOWNS_ENGLISH)}",
        "address_hk": lambda: f"{pick(ROADS_HONG_KONG)}{number}號{number % 30 + 1}樓{pick('ABC')}室",
        "passport": lambda: pick((f"E{digits(8)}", f"G{digits(8)}", digits(9), f"AB{digits(7)}")),
        "permit": lambda: f"{pick('HM')}{digits(10)}",
        "hong_kong_id": lambda: f"{pick('ABCGKYZ')}{digits(6)}({pick('0123456789A')})",
        "taiwan_id": lambda: f"{pick('ABCFHN')}{pick('12')}{digits(8)}",
        "qq": lambda: digits(pick((6, 9, 10))),
        "wechat": lambda: pick((f"{latin}{given}{digits(3)}", f"{given}_{digits(2)}", f"love-{latin}{digits(4)}")),
        "url": lambda: f"www.{latin}{given}-clinic.example/p/{digits(6)}",
        "plate": lambda: f"{pick('京沪粤新藏川')}{pick('ABCE')}{pick(('·', ''))}{pick('FKLQ')}{digits(4)}",
        "day_words": lambda: f"{year}年{pick(('正月', '三月', '十一月'))}{pick(('初八', '十五', '廿三'))}",
        "day_english": lambda: pick((
            f"{day.day} {month} {day.year}", f"{month[:3]} {day.day} {day.year}",
            f"{day.day}-{month[:3]}-{day.year % 100:02d}", f"{day.day}.{day.month}.{day.year % 100:02d}",
        )),
    }  # fmt: skip
    return values[kind]()


WORKED = (
    "姓名：{name}  性别：男  年龄：56岁  "
    "住院号：{admission}\n检查所见：双肺纹理增多，右肺上叶见一大小约12×9mm结节，边界清。",
    "患者{name}，女，67岁，因反复胸闷3天入院，身份证号{resident_id}，联系电话{mobile}。",
    "影像诊断：肝右叶低密度影，考虑血管瘤。报告医师：{name}  审核医师：{name}",
    "家庭住址：{address}，联系人：{name}，电话：{mobile_spaced}。",
    "高血压病史10年，长期服用氨氯地平5mg qd，血压控制可。心率78次/分。",
    "白细胞 11.2×10^9/L，中性粒细胞 0.78，血红蛋白 132 g/L，血小板 256×10^9/L。",
    "Patient Name: {pinyin_caret}  ID: {record}\nFindings: No acute intracranial hemorrhage. Old "
    "lacunar infarct in the left basal ganglia.",
    "{name}，男，45岁，门诊号{record}，主诉头痛1周。",
    "请{name}医生会诊，{surname}主任查房后指示继续抗凝。",
    "Operator {pinyin} performed the scan at 120 kVp, 200 mAs, kernel B30f, thickness 1.0 mm.",
    "检查号：{accession}  病案号：{record}  医保卡号：{insurance}\n技师：{name}",
    "心电图：窦性心律，心率72bpm，PR间期160ms，QTc 420ms，ST段未见明显偏移。",
    "患者{mojibake}复查，左肾囊肿较前无明显变化。",
    "{name_spaced}  男  63岁  超声所见：胆囊壁毛糙，内见强回声团，大小15mm×11mm。",
    "受检者身份证：{resident_id_full_width}，手机：{mobile_full_width}",
    "出生日期：{birth}；就诊卡号：{record}",
    "Dr. {pinyin} reviewed the case. DISCHARGE: follow up in 3 months, creatinine 88 umol/L.",
    "张口受限，无黄疸，马尾神经未见异常，石灰样钙化，常规平扫，方法学对照，时间窗内溶栓。",
    "老证号{resident_id_15}，现用手机{mobile}，邮箱{email}。",
    "既往由{name}教授行冠脉支架植入术，术后规律服用阿司匹林100mg。",
    "空腹血糖 7.8 mmol/L，糖化血红蛋白 8.1%，C肽 1.2 ng/mL，批号20230105A，有效期24个月。",
    "联系人{name}（女儿），座机{landline}，住{address}。",
    "PAN CT shows long segment stenosis; ring artifact; fan beam; Li battery of the pump checked.",
    "脑电图：背景活动以8-9Hz α节律为主，右颞区见散发尖波，患者{name}配合可。",
)
HELD_OUT = (
    "送检标本：胃窦活检。送检医师：{name}；病理号：{record}；临床诊断：慢性胃炎。",
    "{name} 女 34岁 门诊 甲状腺彩超：右叶见低回声结节，TI-RADS 3类。检查医师：{name}",
    "病人{name}昨夜突发胸痛，家属{name}（电话{mobile}）送至急诊，急诊号{admission}。",
    "Name: {pinyin_upper}; MRN: {record}; CT chest with contrast, no pulmonary embolism.",
    "主诉：间断腹痛半年。现病史：患者半年前无明显诱因出现上腹部隐痛，伴反酸、嗳气。",
    "身份证号码：{resident_id}\n户籍地址：{address}\n监护人：{name}",
    "动态心电图：总心搏 103245 次，室早 1253 次，最长RR间期 2.1 s，未见长间歇。",
    "术者：{name}，一助：{name}，麻醉医师：{name}。手术经过顺利，出血约50ml。",
    "已电话（{mobile}）通知{name}本人取片，影像号{accession}。",
    "HbA1c 7.2 %, LDL-C 2.61 mmol/L, eGFR 93 mL/min/1.73m2, urine ACR 21 mg/g.",
    "Reported by: {pinyin}   Verified by: {pinyin}   Accession No: {accession}",
    "随访记录：{surname}先生诉近期睡眠欠佳，余无不适；下次复诊请携带社保卡（卡号{insurance}）。",
    "出生：{birth}，民族汉，职业退休，住址：{address}",
    "右侧颈总动脉分叉处见混合回声斑块，大小约8.2×2.1mm，管腔狭窄率约30%。",
    "护士{name}已完成采血，标本号{record}，送检时间上午。",
    "The patient, {pinyin}, a 71-year-old man, was referred by Dr. {pinyin} for dyspnea on exertion.",
    "方案：奥沙利铂130mg/m2 d1，卡培他滨1000mg/m2 bid d1-14，每21天为一周期。",
    "患者{mojibake_utf8}，登记号{record}，头颅MRI平扫：双侧半卵圆中心多发缺血灶。",
    "本次检查由{name}技师完成，{name}副主任医师签发。",
    "微信联系：{email}；固话{landline}；{name}，男，58岁。",
)

FRESH = (
    "【患者信息】{name} 男 62岁 病区：心内科 床号：18\n【检查日期】见报告 【申请医师】{name}",
    "因{name}不能自行签字，由其子{name}代签，身份证{resident_id}，手机号{mobile}。",
    "{name}同志：您的体检报告已出，请携带体检号{record}到服务台领取。",
    "超声提示：子宫肌瘤，大小约32×28mm，内膜厚8mm，双附件区未见明显包块。",
    "PATIENT: {pinyin_caret}^^  DOB: {birth}  SEX: M  ACC: {accession}",
    "血气分析：pH 7.38，PaO2 82mmHg，PaCO2 41mmHg，BE -1.2mmol/L，乳酸1.4mmol/L。",
    "{pinyin_upper} 55Y M, T2 FLAIR hyperintensity in the periventricular white matter, Fazekas 2.",
    "转诊记录：患者原住{address}，现由{name}医师接诊，住院号为{admission}。",
    "姓名 {name}  性别 女  年龄 29  诊断 妊娠期糖尿病  OGTT 5.6-10.8-9.1mmol/L",
    "责任护士：{name}；管床医生：{name}；上级医师：{name}",
    "病理会诊意见（{name}，{name}）：（左乳）浸润性导管癌，ER(90%+)，PR(60%+)，HER-2(1+)，Ki-67约20%。",
    "经与患者{name}及家属沟通，同意行冠状动脉造影，术前禁食6小时。",
    "Holter device no. 4421, lead V5, analysed by {pinyin}; rhythm: sinus, 3 pauses over 2.0 s.",
    "快递地址：{address}，收件人{name}，{mobile}",
    "院内会诊单 申请科室：神经内科 被邀医师：{name} 电话{landline}",
    "抗核抗体1:320，补体C3 0.62g/L，抗dsDNA 128IU/mL，尿蛋白定量1.8g/24h。",
)

UNSEEN = (
    "交班：3床{name}夜间体温38.5℃，已予物理降温；7床{name}拟明日出院。",
    "中年男性，体形偏胖，既往有高尿酸血症、脂肪肝，否认药物过敏史，吸烟20年，每日10支。",
    "今接到{name}家属来电{mobile}，询问病理结果，告知三个工作日后可取。",
    "腹部CT：胰腺形态正常，胰管无扩张，腹膜后未见肿大淋巴结，腰椎退行性变，余未见异常。",
    "Exam requested by {pinyin}, MD. Indication: rule out appendicitis in {pinyin_upper}, MRN {record}.",
    "签署人：{name}\n关系：配偶\n证件号码：{resident_id}\n通讯地址：{address}",
    "胎心监护：基线140次/分，变异中等，无减速，宫缩10分钟3次，NST有反应型。",
    "档案编号{record}，{name}，汉族，已婚，农民，{birth}出生，联系方式：{mobile}。",
    "查房记录：{surname}主任医师指出，目前考虑社区获得性肺炎，予莫西沙星0.4g静滴。",
    "本例由{name}、{name}、{name}三人盲法阅片，意见不一致时由{name}仲裁。",
    "MR spectroscopy: NAA/Cr 1.82, Cho/Cr 0.91; no lactate peak at 1.3 ppm; TE 35 ms, TR 1500 ms.",
    "采血者{name}，检验者{name}，审核者{name}，标本条码{insurance}。",
)

LAST = (
    "门诊日志：{name}、{name}今日复诊，{name}爽约，改约下周二上午。",
    "产科记录：G2P1，孕38周，胎位LOA，胎心146次/分，宫口开3cm，羊水清。",
    "上述情况已向{name}交代，{name}表示理解。值班：{name}",
    "投诉人自述其母{name}（{birth}生）在我院留观期间丢失物品，回电{mobile}。",
    "冠脉CTA：左前降支近段混合斑块，管腔轻度狭窄；回旋支、右冠未见狭窄；心肌桥可能。",
    "Referring: {pinyin}. Comparison: prior study of the same patient ({pinyin_caret}), accession "
    "{accession}.",
    "输血申请：受血者{name}，血型A型Rh阳性，住院号{admission}，申请量红细胞2U。",
    "肾穿刺病理：肾小球20个，球性硬化3个，系膜细胞轻度增生，IgA(+++)沿系膜区沉积。",
    "护理：协助{name}翻身拍背，{name}家属陪护，跌倒风险高。",
    "{name}（{resident_id}）委托{name}（{resident_id}）办理出院，地址{address}。",
)


BLIND = (
    "会诊意见：同意{name}主治医师诊断，建议完善增强MRI后由{name}复核。",
    "三天前{name}在家中摔倒，邻居{name}拨打急救电话送来，随身手机{mobile}。",
    "昨日{name}主诉头晕，测血压168/92mmHg，嘱其卧床，{name}陪同。",
    "内镜所见：食管黏膜光滑，贲门口启闭好，胃底黏液湖清，胃角弧形光滑，幽门圆，开闭好，十二指肠球部未见溃疡。",
    "手术记录\n主刀 {name}  一助 {name}  器械护士 {name}\n麻醉方式 全麻  麻醉 {name}",
    "{name}今晨拔除引流管，{name}仍诉切口疼痛，{name}已可下床活动。",
    "复印病历申请：代办人{name}，身份证号{resident_id_full_width}，与患者{name}系夫妻关系，电话{mobile_full_width}。",
    "眼底照相：视盘界清，C/D约0.4，黄斑中心凹反光可见，血管走行大致正常，A:V约2:3，周边视网膜未见出血。",
    "Technologist note: pt {pinyin} moved during the localizer; repeated. Called {pinyin} (RN). Acc {accession}.",
    "Addendum by {pinyin_upper}: findings discussed with Dr. {pinyin} by phone; MRN {record}.",
    "病区电话{landline}，{name}护士长，如有疑问请联系{name}。",
    "医保编号{insurance} 住院流水号{admission} 检查流水号{accession} 老身份证{resident_id_15}",
    "凝血四项：PT 12.1s，APTT 31.5s，TT 16.8s，FIB 3.21g/L，D-二聚体0.35mg/L；术前四项均阴性。",
    "受检人：{name_spaced}（{mojibake}），检查部位：腰椎，{name}签收报告。",
    "随访：电话联系{name}之子{name}，告知{name}已于{birth}在外院手术，现居{address}。",
    "实习生{name}书写，带教{name}修改，科主任{name}审签。",
    "患者平车推入，神志清，精神可，双侧瞳孔等大等圆，直径约3mm，对光反射灵敏，颈软无抵抗，四肢肌力V级。",
    "寄送：{address}（{name} {mobile_spaced}），另抄送{name}同学。",
    "谈话记录：{name}、{name}、医生{name}在场，家属{name}要求转院至上级医院。",
    "乳腺钼靶：双乳呈不均匀致密型，右乳外上象限见簇状细小多形性钙化，BI-RADS 4B类，建议活检。",
    "导出人={pinyin_glued};患者={mojibake_utf8};档案号={record}",
    "今日门诊来诊顺序：{name}，{name}，{name}；其中{name}为复诊。",
)

# Names in Latin letters in the midst of a sentence, names of minorities, numbers and addresses of other countries;
# between them eponyms, makers and figures that look like them and tell nobody.
STRANGER = (
    "Patient {western} reports two weeks of productive cough; sister {western} was called at {phone_abroad}.",
    "{western_reversed} is a 61-year-old woman with Crohn disease, seen with {pinyin} from Nursing on the ward round.",
    "I discussed the findings with {western} and {pinyin} at 14:30. {initials} to arrange Holter monitoring.",
    "SEEN BY {western_upper} / COUNTERSIGNED {initials} / COPY TO {western_email}",
    "Graves disease, Hashimoto thyroiditis and Wilson disease excluded; Babinski sign negative, Glasgow Coma Scale 15.",
    "Thank you for referring {western}, who lives at {address_english}. Passport {passport}, travel to Kenya in June.",
    "Mrs {western} and her son {western} attended; Dr. {surname_latin} explained the Whipple procedure to both.",
    "{minority}今日入院，其女{minority}陪同，维吾尔语翻译{name}在场。",
    "藏族患者{minority}，女，39岁，由{minority_latin}护士接诊，通行证{permit}。",
    "The interpreter, {minority_latin}, phoned {minority_latin} on {mobile}; car {plate} waits outside.",
    "港籍患者 {pinyin_hk}，身份证 {hong_kong_id}，联络电话 {phone_hk}，来自{address_hk}。",
    "加QQ{qq}或微信{wechat}发报告，网址 {url}，联系{name}。",
    "生于{day_words}，现年七十三岁，{name}自诉心悸，末次月经不详。",
    "Siemens Somatom Force, Doppler of the Circle of Willis, Hounsfield units 35-60, Philips Ingenia 3.0T, Gram stain.",
    "DOB {day_english}; next of kin {western}, {phone_abroad}. Reviewed by {surname_latin} on call.",
    "{pinyin} c/o chest tightness since Monday, {pinyin_reversed} (wife) agrees to Fontan conversion.",
    "昨夜{name}值班，{name}替{name}顶班，{name_three}未交接；Murphy征阳性，Parkinson病待排。",
    "cc: {western_comma}; {western_comma}; medical records, Building 4",
    "MRN moved from {record} to {admission}: {western} was registered twice by {initials}.",
    "Typed by {surname_latin} from dictation, corrected {western}, {phone_landline}.",
    "HER2 FISH ratio 2.1, Ki-67 30%, Gleason 3+4=7, Epstein-Barr virus DNA 12500000 copies/mL, Ann Arbor stage II.",
    "司机{name}驾{plate}送{minority}至{address}，途中{name_three}给氧。",
    "Baby of {western}, cot 3, jaundice; mother speaks Tibetan with {minority_latin} only.",
    "转自台湾，居留证{taiwan_id}，姓名{name_traditional}，電話{phone_taiwan}，主訴頭痛三日。",
)

# By the second writer too, after the rules had been mended with `STRANGER`; only ever measured with.
AFTERWARDS = (
    "{western} was brought in by ambulance at 03:40; {western}, a neighbour, had found him on the kitchen floor.",
    "Consent obtained from {western_upper} in the presence of {pinyin}; interpreter {minority_latin} signed as well.",
    "Plan: repeat colonoscopy with {surname_latin} next month, letter to {western_comma} Fax {phone_abroad}.",
    "Spoke to {minority_latin} by phone ({mobile}) about the potassium of 6.1 mmol/L; will come back tonight.",
    "Ki-67 index 20%, Nottingham grade 2, Dukes stage B, Breslow thickness 1.2 mm; p53 wild type, Sudan stain absent.",
    "术后第3天，{minority}可下床行走，由{minority_latin}教授远程会诊，翻译{name}。",
    "Home address on file, {address_english}, is out of date; {western} now stays with {western} in Cardiff.",
    "经核对，{name}与{name_three}为同一人，护照{passport}，QQ {qq}，现住{address_hk}。",
    "{surname_latin} and {surname_latin} disagree about the mitral valve; third reader {initials} decides.",
    "Lidocaine 2% and Marcaine 0.5% given; Foley catheter in place, Hartmann solution 1 L, Glasgow Coma Scale 14/15.",
    "病人自称{name_traditional}，持{taiwan_id}，朋友{pinyin_hk}代为缴费，车{plate}停于门口。",
    "{pinyin_reversed} / {pinyin} / {western_reversed}: triplets of {minority_latin}, born {day_english}.",
)

SETS = ("WORKED", "HELD_OUT", "FRESH", "UNSEEN", "LAST", "BLIND", "STRANGER", "AFTERWARDS")


def texts(seed, rounds, templates=WORKED):
    """`rounds` texts of every template, filled anew each time."""
    import re

    people = People(seed, GIVEN_FRESH + GIVEN if templates in (FRESH, UNSEEN, LAST) else GIVEN)
    if templates is BLIND:
        people = People(seed, GIVEN_BLIND, SURNAMES_BLIND)
    if templates in (STRANGER, AFTERWARDS):
        people = People(seed, GIVEN_STRANGER, SURNAMES_STRANGER)
    for _ in range(rounds):
        for template in templates:
            planted, out, at = [], "", 0
            for match in re.finditer(r"\{(\w+)\}", template):
                value = _value(match[1], people)
                planted.append((match[1], value))
                out += template[at : match.start()] + value
                at = match.end()
            yield Text(out + template[at:], tuple(planted))


@dataclass
class Score:
    """Recall over planted values, precision over marks, and what went wrong, by kind."""

    planted: int = 0
    found: int = 0
    marks: int = 0
    right: int = 0
    missed: dict = None
    wrong: dict = None

    @property
    def recall(self):
        return self.found / self.planted

    @property
    def precision(self):
        return self.right / self.marks


def score(many, find):
    """A planted value is found when every character of it lies in a mark; a mark is right when it touches one."""
    from collections import Counter

    result = Score(missed=Counter(), wrong=Counter())
    for one in many:
        marks, at, spans = find(one.text), 0, []
        for kind, value in one.planted:
            start = one.text.index(value, at)
            at = start + len(value)
            spans.append((start, at))
            covered = {place for mark in marks for place in range(mark.start, mark.end)}
            whole = all(place in covered for place in range(start, at) if not one.text[place].isspace())
            result.planted += 1
            result.found += whole
            result.missed[kind] += not whole
        for mark in marks:
            right = any(mark.start < end and start < mark.end for start, end in spans)
            result.marks += 1
            result.right += right
            result.wrong[one.text[mark.start : mark.end] + "|" + mark.kind] += not right
    return result
