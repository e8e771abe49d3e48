// Containers, pointers and base classes: what their XML looks like. Usage: extras > FILE
#include <iostream>
#include <complex>
#include <array>
#include <list>
#include <map>
#include <set>
#include <memory>
#include <unordered_map>
#include <boost/archive/xml_oarchive.hpp>
#include <boost/serialization/nvp.hpp>
#include <boost/serialization/string.hpp>
#include <boost/serialization/vector.hpp>
#include <boost/serialization/map.hpp>
#include <boost/serialization/set.hpp>
#include <boost/serialization/list.hpp>
#include <boost/serialization/array.hpp>
#include <boost/serialization/complex.hpp>
#include <boost/serialization/optional.hpp>
#include <boost/serialization/unordered_map.hpp>
#include <boost/serialization/shared_ptr.hpp>
#include <boost/serialization/base_object.hpp>
struct Base { int b = 1; template <class A> void serialize(A& ar, const unsigned) { ar & BOOST_SERIALIZATION_NVP(b); } };
struct Derived : Base { double d = 2;
    template <class A> void serialize(A& ar, const unsigned) { ar & BOOST_SERIALIZATION_BASE_OBJECT_NVP(Base); ar & BOOST_SERIALIZATION_NVP(d); } };
BOOST_CLASS_VERSION(Derived, 2)
enum Kind { A_KIND, B_KIND };
template <class T> struct V { T const& v; };
int main() {
    boost::archive::xml_oarchive ar(std::cout);
    const std::map<std::string, double> scan{{"V", 1.5}, {"U", 2}}; ar << BOOST_SERIALIZATION_NVP(scan);
    const std::unordered_map<int, int> hashed{{1, 2}}; ar << BOOST_SERIALIZATION_NVP(hashed);
    const std::set<int> chosen{3, 4}; ar << BOOST_SERIALIZATION_NVP(chosen);
    const std::list<double> chain{1, 2}; ar << BOOST_SERIALIZATION_NVP(chain);
    const std::array<double, 2> fixed{1, 2}; ar << BOOST_SERIALIZATION_NVP(fixed);
    const double raw[2] = {3, 4}; ar << BOOST_SERIALIZATION_NVP(raw);
    const std::complex<double> z(1, -1); ar << BOOST_SERIALIZATION_NVP(z);
    const std::vector<std::complex<double>> zs{{1, 2}}; ar << BOOST_SERIALIZATION_NVP(zs);
    const boost::optional<int> some(5), nothing; ar << BOOST_SERIALIZATION_NVP(some); ar << BOOST_SERIALIZATION_NVP(nothing);
    const Kind kind = B_KIND; ar << BOOST_SERIALIZATION_NVP(kind);
    const std::wstring wide = L"w\u00e9"; ar << BOOST_SERIALIZATION_NVP(wide);
    const Derived derived; ar << BOOST_SERIALIZATION_NVP(derived);
    std::shared_ptr<Derived> p = std::make_shared<Derived>(); const std::shared_ptr<Derived> again = p, null; const auto first = p;
    ar << BOOST_SERIALIZATION_NVP(first); ar << BOOST_SERIALIZATION_NVP(again); ar << BOOST_SERIALIZATION_NVP(null);
}
