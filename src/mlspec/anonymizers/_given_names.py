"""Given names that are common somewhere in the world: a column of them, each with another word, is one of people."""

import functools


@functools.cache
def given_names() -> frozenset[str]:
    """The names, in small letters."""
    return frozenset(_NAMES.split())


_NAMES = """
aaron abdul abdullah adam ahmed aisha alan albert alejandro alex alexander alexandra ali alice amanda amelia amina
amir amit amy ana anastasia andrea andreas andrew angela anita anjali ann anna anne anthony antonio arjun arthur aya
barbara ben benjamin bernard betty bianca bob boris brenda brian bruno camila carla carlos carmen carol caroline
catherine charles charlotte chen chiara chloe chris christian christina christine christopher claire clara claudia
craig cristina daniel daniela david deborah deepak denise dennis diana diego dmitri dmitry donald donna dorothy
edith eduardo edward elena eleni elif elizabeth ella ellen emil emily emma eric erik ernst esther eva evelyn farah
fatima felix fernando francesca francesco francis francisco frank frederic fritz gabriel gary george gerald gianni
giovanni giulia giuseppe gloria grace greta guillaume gustav hamza hana hannah hans harold harry hassan heather
helen helena henri henry hiroshi hugo ian ibrahim igor ines ingrid isaac isabel isabella ivan jack jacob jacqueline
james jan jane janet janice javier jean jeffrey jennifer jessica jing joan joao joe johan johannes john jonas
jonathan jorge jose joseph joshua juan judith juha jules julia julian julie julien juma jurgen justin kamal karen
karin karl kate katherine kathleen katja kavita keith kelly kenji kenneth kevin khadija khalid kim klaus kofi kumar
lars laura lauren layla lea leila leon leonardo leticia li lina linda lisa louis louise luca lucas lucia lucy luis
luisa lukas magdalena mahmoud manuel marco margaret maria marie mario marion mark marta martha martin mary maryam
mateo matthew max maya mehmet mei melissa michael michel michelle miguel mikhail mila ming miriam mohamed mohammad
mohammed monica moritz muhammad mustafa nadia nancy natalia natasha nathan neha nicholas nicola nicolas nicole
nikolai nina noah nora olga oliver olivia omar oscar otto pablo paolo patricia patrick paul paula pedro peter petra
philip philippe pierre priya rachel rahul raj ralph ramon raquel rebecca ricardo richard rita robert roberto roger
ronald rosa rose roxanne ruth ryan sakura salma samantha samir samuel sandra sanjay sara sarah scott sean sebastian
sergei sergio sharon shirley silvia simon simone sofia sonia sophia sophie stefan stefano stephanie stephen steven
sunil susan sven tamara tatiana teresa theo theresa thomas timothy tom tomas ursula valentina vanessa vera veronica
victor victoria vijay viktor vincent vladimir walter wang wei william wolfgang xavier yasmin yuki yuri yusuf zainab
zhang zoe
"""
